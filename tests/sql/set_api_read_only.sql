-- Makes the database read-only for the API, from its next sessions on, and ends the present ones.
do $$
begin
    execute format('alter role spindle_api in database %I set default_transaction_read_only = on', current_database());
    perform pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = 'spindle_api';
end
$$
