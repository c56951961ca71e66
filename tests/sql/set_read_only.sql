-- Makes the database read-only for sessions that begin from now on.
do $$
begin
    execute format('alter database %I set default_transaction_read_only = on', current_database());
end
$$
