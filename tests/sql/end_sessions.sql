-- Ends the sessions of Spindle's roles. It follows a change of settings as a statement of its own: a session that begins before
-- that change is committed keeps the old ones.
-- Result: count of sessions that were ended
select count(*) filter (where pg_terminate_backend(pid, 5000))
from pg_stat_activity
where usename like 'spindle\_%'
