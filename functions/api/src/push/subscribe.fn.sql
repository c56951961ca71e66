-- Stores a Web Push subscription. An endpoint that exists is taken over: a browser has one account at a time.
--
-- p_user      the user
-- p_endpoint, p_p256dh, p_auth   the subscription
-- p_rate      see `admit_write`
--
-- The OUT parameters are the columns of `write_result`; `body` is {"id", "endpoint", "created_at"}. Outcomes: made · too_many (a user has
-- 50) · limited · gone.
create or replace procedure subscribe(
    p_user text, p_endpoint text, p_p256dh text, p_auth text, p_rate text[],
    out outcome text, out version bigint, out id text, out body text, out replayed boolean, out rate text)
language plpgsql as $$
declare
    owner constant uuid := p_user;
    stored push_subscriptions;
begin
    call admit_write(owner, p_rate, null, null, true, outcome, version, id, body, replayed, rate);
    if outcome is not null then
        return;
    end if;
    if (select count(*) from push_subscriptions s where s.user_id = owner and s.endpoint <> p_endpoint) >= 50 then
        outcome := 'too_many';
        return;
    end if;
    insert into push_subscriptions as s (id, user_id, endpoint, p256dh, auth, created_at)
        values (uuid_v7(), owner, p_endpoint, p_p256dh, p_auth, clock_timestamp())
        on conflict (endpoint) do update set user_id = excluded.user_id, p256dh = excluded.p256dh, auth = excluded.auth
        returning * into stored;
    outcome := 'made';
    id := stored.id::text;
    body := '{"id":"' || stored.id::text || '","endpoint":' || to_json(stored.endpoint)::text
        || ',"created_at":"' || rfc3339(stored.created_at) || '"}';
end
$$;
