-- Counts the looks of the watcher that began after a time and have ended.
-- $1 time.
-- Result: number.
select count(*)
from pg_stat_activity
where datname = current_database() and application_name = 'bridge watch' and state = 'idle' and query_start > $1
