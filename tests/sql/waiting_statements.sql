-- Counts the statements of the API that wait for a lock.
-- Result: the number (bigint)
select count(*)
from pg_stat_activity
where usename = 'spindle_api' and datname = current_database() and wait_event_type = 'Lock'
