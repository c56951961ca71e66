-- Inserts the event `user.changed` into the outbox: what has changed of a user besides tasks. The caller holds the user's row lock.
--
-- p_user     the user
-- p_seq      the number of the change, which all that has changed has, too
-- p_changed  what has changed, as a JSON object. Its members are lists `series`, `reminders` and `notifications`, and `account`. Null if it
--            is too much for an event: clients then fetch it
-- p_context  envelope members that come from the request, as JSON without its braces
-- p_actor    the actor, as JSON
create or replace function emit_user_changed(p_user uuid, p_seq bigint, p_changed jsonb, p_context text, p_actor text) returns void
language plpgsql volatile as $$
declare
    event_id constant uuid := uuid_v7();
begin
    insert into outbox (topic, user_id, event_id, event) values ('task-updates', p_user, event_id,
        '{"specversion":"1.0","id":"' || event_id::text || '","source":"/spindle/api","type":"user.changed","subject":"' || p_user::text
            || '","time":"' || rfc3339(clock_timestamp())
            || '","datacontenttype":"application/json","userid":"' || p_user::text
            || '","seq":' || p_seq::text || ',' || p_context
            || ',"data":'
            || ('{"series":[],"reminders":[],"notifications":[],"account":null}'::jsonb || coalesce(p_changed, '{}')
                || jsonb_build_object('fetch', p_changed is null, 'actor', p_actor::jsonb))::text
            || '}');
end
$$;
