-- Terminates the sessions of agents in which an append is running.
-- Result: count of terminated sessions
select count(*) filter (where pg_terminate_backend(pid))
from pg_stat_activity
where usename = 'spindle_agent' and state = 'active' and query like '%audit_append%'
