-- Ends the sessions in which an append is running, and counts them.
select count(*) filter (where pg_terminate_backend(pid))
from pg_stat_activity
where usename = 'spindle_agent' and state = 'active' and query like '%audit_append%'
