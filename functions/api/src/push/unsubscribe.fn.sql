-- Removes a Web Push subscription.
--
-- p_user  the user
-- p_id    the subscription
-- p_rate  see `admit_write`
--
-- The OUT parameters are the columns of `write_result`. Outcomes: deleted · missing · limited · gone.
create or replace procedure unsubscribe(
    p_user text, p_id text, p_rate text[],
    out outcome text, out version bigint, out id text, out body text, out replayed boolean, out rate text)
language plpgsql as $$
begin
    call admit_write(p_user::uuid, p_rate, null, null, true, outcome, version, id, body, replayed, rate);
    if outcome is not null then
        return;
    end if;
    delete from push_subscriptions where push_subscriptions.id = p_id::uuid and user_id = p_user::uuid;
    outcome := case when found then 'deleted' else 'missing' end;
end
$$;
