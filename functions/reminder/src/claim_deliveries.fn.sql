-- Claims messages that are to be sent. Another claim finds a message again after two minutes, unless its result was recorded.
--
-- p_channel  `email` or `push`
-- p_limit    the most messages that are claimed
--
-- Returns a JSON array of messages:
--     {"user_id", "email", "name", "timezone", "attempts",
--      "subscriptions": [{"id", "endpoint", "p256dh", "auth"}],
--      "deliveries": [{"id", "task_id", "title", "due", "fire_at", "late"}]}
-- `attempts` counts this one. Deliveries of tasks that are done by now are dropped instead, and so is what the user has muted since.
--
-- Claims of a channel wait for each other, because two of them could otherwise share the deliveries of one message.
create or replace function claim_deliveries(p_channel text, p_limit bigint) returns text
language plpgsql security definer
set search_path = public, pg_temp
as $$
declare
    moment constant timestamptz := now_for_reminders();
    claimed text;
begin
    if not exists (select from deliveries where channel = p_channel and next_at <= moment) then
        return '[]';
    end if;
    perform pg_advisory_xact_lock(hashtext('claim_deliveries'), hashtext(p_channel));
    with due as (
        select distinct m.message_id from (
            select message_id from deliveries where channel = p_channel and next_at <= moment order by next_at limit p_limit) m
    ), locked as (
        select d.id, d.task_id, d.user_id from deliveries d
        where d.next_at <= moment and d.message_id in (select message_id from due)
        for update skip locked
    ), wanted as (
        select l.id, u.id is not null and t.deleted_at is null and t.status in ('open', 'in_progress')
            and not coalesce((u.preferences -> 'muted')::jsonb ? p_channel, false) as is_wanted
        from locked l left join tasks t on t.id = l.task_id left join users u on u.id = l.user_id
    ), taken as (
        update deliveries d set
            status = case when w.is_wanted then d.status else 'dropped' end,
            attempts = d.attempts + case when w.is_wanted then 1 else 0 end,
            next_at = case when w.is_wanted then moment + interval '2 minutes' end,
            updated_at = moment
        from wanted w where d.id = w.id
        returning d.*
    ), message as (
        select d.user_id, max(d.attempts) as attempts, min(d.fire_at) as fire_at,
            string_agg('{"id":"' || d.id::text || '","task_id":"' || d.task_id::text || '","title":' || to_json(d.title)::text
                || ',"due":' || coalesce(d.due::text, 'null') || ',"fire_at":"' || rfc3339(d.fire_at)
                || '","late":' || d.is_late::text || '}', ',' order by d.fire_at, d.id) as deliveries
        from taken d where d.status = 'pending'
        group by d.message_id, d.user_id
    )
    select '[' || coalesce(string_agg(
        '{"user_id":"' || m.user_id::text || '","email":' || to_json(u.email)::text || ',"name":' || to_json(u.name)::text
            || ',"timezone":' || to_json(u.timezone)::text || ',"attempts":' || m.attempts::text
            || ',"subscriptions":' || case when p_channel = 'push' then (
                select coalesce(json_agg(json_build_object('id', s.id, 'endpoint', s.endpoint, 'p256dh', s.p256dh, 'auth', s.auth)), '[]')
                from push_subscriptions s where s.user_id = m.user_id)::text else '[]' end
            || ',"deliveries":[' || m.deliveries || ']}',
        ',' order by m.fire_at), '') || ']'
        into claimed
        from message m join users u on u.id = m.user_id;
    return claimed;
end
$$;
revoke execute on function claim_deliveries(text, bigint) from public;
grant execute on function claim_deliveries(text, bigint) to spindle_agent;
