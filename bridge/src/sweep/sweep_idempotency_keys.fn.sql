-- Removes up to `most` idempotency keys that are older than 24 hours; returns how many.
-- Security definer, because the role of the bridge may not read the table: its rows hold the answers to users'
-- requests.
create or replace function sweep_idempotency_keys(most bigint) returns bigint
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
    removed bigint;
begin
    delete from idempotency_keys
    where ctid = any (array(
        select k.ctid
        from idempotency_keys k
        where k.created_at < clock_timestamp() - interval '24 hours'
        limit most));
    get diagnostics removed = row_count;
    return removed;
end
$$;

revoke execute on function sweep_idempotency_keys(bigint) from public;
grant execute on function sweep_idempotency_keys(bigint) to spindle_bridge;
