-- Result: whether `bridge migrate` waits for a lock in this database
select count(*) > 0
from pg_stat_activity
where application_name = 'bridge-migrate' and datname = current_database() and wait_event_type = 'Lock'
