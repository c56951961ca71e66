-- Claims deliveries that are to be sent by email or push. Another claim finds them again after two minutes, unless their result was
-- recorded. Several agents may claim at the same time.
--
-- p_limit  the most deliveries that are claimed
--
-- Returns a JSON array of
--     {"id", "channel", "attempts", "late", "fire_at", "user_id", "email", "name", "timezone", "task_id", "title", "due", "due_at",
--      "subscriptions": [{"id", "endpoint", "p256dh", "auth"}], "deferred"}
-- `deferred` tells that quiet hours have held it back. Deliveries of one user that were deferred go into one message. `attempts` counts
-- this one. Deliveries of tasks that are done by now are dropped instead.
create or replace function claim_deliveries(p_limit bigint) returns text
language plpgsql security definer
set search_path = public, pg_temp
as $$
declare
    moment constant timestamptz := now_for_reminders();
    claimed text;
begin
    with due as (
        select id from deliveries where next_at <= moment order by next_at limit p_limit for update skip locked
    ), live as (
        select d.id, t.deleted_at is null and t.status in ('open', 'in_progress') as is_open
        from due join deliveries d using (id) left join tasks t on t.id = d.task_id
    ), taken as (
        update deliveries d set
            status = case when l.is_open then d.status else 'dropped' end,
            attempts = d.attempts + case when l.is_open then 1 else 0 end,
            next_at = case when l.is_open then moment + interval '2 minutes' end,
            updated_at = moment
        from live l where d.id = l.id
        returning d.*
    )
    select '[' || coalesce(string_agg(
        '{"id":"' || d.id::text || '","channel":"' || d.channel || '","attempts":' || d.attempts::text
            || ',"late":' || d.is_late::text || ',"deferred":' || (d.attempts = 1 and d.created_at < moment - interval '5 minutes')::text
            || ',"fire_at":"' || rfc3339(d.fire_at) || '","user_id":"' || d.user_id::text
            || '","email":' || to_json(u.email)::text || ',"name":' || to_json(u.name)::text
            || ',"timezone":' || to_json(u.timezone)::text
            || ',"task_id":"' || d.task_id::text || '","title":' || to_json(t.title)::text
            || ',"due":' || coalesce(t.due::text, 'null') || ',"due_at":' || coalesce('"' || rfc3339(t.due_at) || '"', 'null')
            || ',"subscriptions":' || case when d.channel = 'push' then (
                select coalesce(json_agg(json_build_object('id', s.id, 'endpoint', s.endpoint, 'p256dh', s.p256dh, 'auth', s.auth)), '[]')
                from push_subscriptions s where s.user_id = d.user_id)::text else '[]' end || '}',
        ',' order by d.fire_at desc), '') || ']'
        into claimed
        from taken d join users u on u.id = d.user_id join tasks t on t.id = d.task_id
        where d.status = 'pending';
    return claimed;
end
$$;
revoke execute on function claim_deliveries(bigint) from public;
grant execute on function claim_deliveries(bigint) to spindle_agent;
