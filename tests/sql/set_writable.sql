-- Makes the database writable again for sessions that begin from now on.
do $$
begin
    execute format('alter database %I reset default_transaction_read_only', current_database());
end
$$
