-- Redeems a ticket for a live connection. Whatever becomes of it, the ticket is used up.
--
-- p_hash    SHA-256 of the ticket
-- p_origin  the header `Origin` of the request; null if it has none
-- p_own     whether the browser says that the request comes from a page of the same origin, and so has no `Origin`
--
-- Outcomes: redeemed · unknown (there is no such ticket, or it was used) · late · elsewhere (another origin may use it) · changed (the
-- account, its role or its password is not what it was).
--   owner    the user; `last` the number of the user's latest change that is committed
--   stamp    see `account_stamp`
--   seconds  how long the access token is valid
--
-- Security definer, because the role of the bridge may not read these tables: they hold secrets.
create or replace function redeem_live_ticket(
    p_hash bytea, p_origin text, p_own boolean,
    out outcome text, out owner uuid, out last bigint, out stamp bigint, out seconds double precision)
language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp as $$
declare
    ticket live_tickets;
    account users;
    moment constant timestamptz := clock_timestamp();
begin
    delete from live_tickets t where t.hash = p_hash returning * into ticket;
    if not found then
        outcome := 'unknown';
        return;
    end if;
    if ticket.expires_at <= moment or ticket.token_expires_at <= moment then
        outcome := 'late';
        return;
    end if;
    if ticket.origin is distinct from p_origin and not (p_origin is null and p_own) then
        outcome := 'elsewhere';
        return;
    end if;
    select * into account from users u where u.id = ticket.user_id;
    if not found or account_stamp(account) <> ticket.stamp then
        outcome := 'changed';
        return;
    end if;
    outcome := 'redeemed';
    owner := account.id;
    last := account.sync_seq;
    stamp := ticket.stamp;
    seconds := extract(epoch from ticket.token_expires_at - moment);
end
$$;

revoke execute on function redeem_live_ticket(bytea, text, boolean) from public;
grant execute on function redeem_live_ticket(bytea, text, boolean) to spindle_bridge;
