-- Inserts the two events of a task's change into the outbox: one whose type names the change, for agents, and
-- `task.changed`, for clients. Both have the same data. The caller holds the user's row lock, so the events of a user are in
-- order.
--
-- p_user      the user
-- p_task      the task
-- p_type      type of the first event
-- p_seq       sequence number of the write
-- p_at        time of the change
-- p_context   envelope members that come from the request, as JSON without its braces
-- p_actor     the actor, as JSON
-- p_body      the task after the change, as JSON
-- p_previous  the changed members with their previous values, as a JSON object
create or replace function emit_task_events(
    p_user uuid, p_task uuid, p_type text, p_seq bigint, p_at timestamptz,
    p_context text, p_actor text, p_body text, p_previous text) returns void
language plpgsql volatile as $$
declare
    happened uuid := uuid_v7();
    changed uuid := uuid_v7();
    head text := '{"specversion":"1.0","source":"/spindle/api","subject":"' || p_task::text
        || '","time":"' || rfc3339(p_at)
        || '","datacontenttype":"application/json","userid":"' || p_user::text
        || '","seq":' || p_seq::text || ',' || p_context
        || ',"data":{"task":' || p_body || ',"previous":' || p_previous || ',"actor":' || p_actor || '},"type":"';
begin
    insert into outbox (topic, user_id, event_id, event) values
        ('task-events', p_user, happened, head || p_type || '","id":"' || happened::text || '"}'),
        ('task-updates', p_user, changed, head || 'task.changed","id":"' || changed::text || '"}');
end
$$;
