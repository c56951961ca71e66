-- Limits each statement of the API to 300 ms, from its next sessions on, and ends the present ones.
do $$
begin
    execute format('alter role spindle_api in database %I set statement_timeout = %L', current_database(), '300ms');
    perform pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = 'spindle_api';
end
$$
