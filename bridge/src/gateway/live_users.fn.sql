-- What live connections of these users depend on. A user whose account is closed has no row.
--
--   stamp  see `account_stamp`
--   last   the number of the user's latest change that is committed
--
-- Security definer, because the role of the bridge may not read the accounts.
create or replace function live_users(p_users uuid[]) returns table (id uuid, stamp bigint, last bigint)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select u.id, account_stamp(u), u.sync_seq from users u where u.id = any (p_users)
$$;

revoke execute on function live_users(uuid[]) from public;
grant execute on function live_users(uuid[]) to spindle_bridge;
