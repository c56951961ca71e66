-- Ends the sessions of relays on this database.
-- Result: a row for each session.
select pg_terminate_backend(pid)
from pg_stat_activity
where datname = current_database() and application_name = 'bridge relay'
