-- Gives the API's role the settings of the migrations again, and ends its sessions.
do $$
begin
    execute format('alter role spindle_api in database %I reset default_transaction_read_only', current_database());
    execute format('alter role spindle_api in database %I set statement_timeout = %L', current_database(), '10s');
    perform pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = 'spindle_api';
end
$$
