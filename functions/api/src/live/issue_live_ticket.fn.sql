-- Stores a ticket for a live connection, for 30 seconds. A user has up to 40: a newer one takes the place of the oldest.
--
-- p_user     the user
-- p_hash     SHA-256 of the ticket, in hex
-- p_origin   the origin of the page that may use it; null for none
-- p_expires  when the access token ends, in seconds since 1970
-- p_rate     see `admit_write`
--
-- The OUT parameters are the columns of `write_result`. Outcomes: made · limited · gone.
create or replace procedure issue_live_ticket(
    p_user text, p_hash text, p_origin text, p_expires bigint, p_rate text[],
    out outcome text, out version bigint, out id text, out body text, out replayed boolean, out rate text)
language plpgsql as $$
declare
    owner constant uuid := p_user;
    account users;
begin
    -- The user's other writes need not wait for this one, nor this one for them.
    call admit_write(owner, p_rate, null, null, false, outcome, version, id, body, replayed, rate);
    if outcome is not null then
        return;
    end if;
    select * into account from users where users.id = owner for key share;
    if not found then
        outcome := 'gone';
        return;
    end if;
    delete from live_tickets where hash in (
        select t.hash from live_tickets t where t.user_id = owner order by t.expires_at desc offset 39);
    insert into live_tickets (hash, user_id, origin, stamp, token_expires_at, expires_at)
        values (decode(p_hash, 'hex'), owner, p_origin, account_stamp(account), to_timestamp(p_expires),
            clock_timestamp() + interval '30 seconds');
    outcome := 'made';
end
$$;
