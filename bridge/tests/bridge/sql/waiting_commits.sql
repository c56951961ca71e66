-- Counts the commits of offsets that wait for a lock.
-- Result: number.
select count(*)
from pg_stat_activity
where datname = current_database() and wait_event_type = 'Lock' and query like '%insert into log_offsets%'
