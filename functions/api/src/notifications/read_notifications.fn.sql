-- Marks notifications as read.
--
-- p_user     the user
-- p_ids      ids of the notifications; null for all
-- p_context  envelope members that come from the request, as JSON without its braces
-- p_actor    the actor of the event, as JSON
-- p_rate     see `admit_write`
--
-- The OUT parameters are the columns of `write_result`; `body` is {"read": how many were unread before}. Outcomes: changed · limited · gone.
create or replace procedure read_notifications(
    p_user text, p_ids text[], p_context text, p_actor text, p_rate text[],
    out outcome text, out version bigint, out id text, out body text, out replayed boolean, out rate text)
language plpgsql as $$
declare
    owner constant uuid := p_user;
    changed bigint;
    number bigint;
    items jsonb;
begin
    call admit_write(owner, p_rate, null, null, true, outcome, version, id, body, replayed, rate);
    if outcome is not null then
        return;
    end if;
    select count(*) into changed from notifications n where n.user_id = owner and n.read_at is null
        and (p_ids is null or n.id = any (p_ids::uuid[]));
    if changed > 0 then
        number := next_seq(owner);
        with done as (
            update notifications set read_at = clock_timestamp(), seq = number
            where user_id = owner and read_at is null and (p_ids is null or notifications.id = any (p_ids::uuid[]))
            returning notifications
        )
        select case when changed <= 100 then
                jsonb_build_object('notifications', (select json_agg(notification_item(d.notifications)::json) from done d)) end
            into items from (select) always;
        perform emit_user_changed(owner, number, items, p_context, p_actor);
    end if;
    outcome := 'changed';
    body := '{"read":' || changed || '}';
end
$$;
