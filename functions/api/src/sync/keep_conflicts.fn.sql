-- Records that an operation was merged with changes of others: an event for the audit trail, and the values that have lost.
--
-- task       the task before the operation
-- p_op_id    the operation
-- p_base     the version that its client knew
-- p_restored whether the operation has brought the task back
-- p_lost     the values that have lost, as `merge_fields` returns them
-- p_context  envelope members that come from the request, as JSON without its braces
-- p_actor    the actor of the event, as JSON
--
-- Returns the conflicts as a JSON array.
create or replace function keep_conflicts(
    task tasks, p_op_id text, p_base bigint, p_restored boolean, p_lost jsonb, p_context text, p_actor text) returns jsonb
language plpgsql volatile as $$
declare
    event_id constant uuid := uuid_v7();
    kept conflicts;
    items jsonb := '[]';
begin
    for kept.field, kept.theirs, kept.yours in select l.key, l.value -> 'theirs', l.value -> 'yours' from jsonb_each(p_lost) l loop
        insert into conflicts (id, user_id, task_id, field, theirs, yours)
            values (uuid_v7(), task.user_id, task.id, kept.field, kept.theirs, kept.yours)
            returning * into kept;
        items := items || conflict_json(kept)::jsonb;
    end loop;
    insert into outbox (topic, user_id, event_id, event) values ('task-events', task.user_id, event_id,
        '{"specversion":"1.0","id":"' || event_id::text || '","source":"/spindle/api","type":"sync.merged","subject":"' || task.id::text
            || '","time":"' || rfc3339(clock_timestamp())
            || '","datacontenttype":"application/json","userid":"' || task.user_id::text
            || '","seq":' || (select sync_seq from users where id = task.user_id)::text || ',' || p_context
            || ',"data":{"task_id":"' || task.id::text || '","op_id":' || to_json(p_op_id)::text
            || ',"base_version":' || p_base || ',"version":' || task.version || ',"restored":' || p_restored
            || ',"conflicts":' || items::text || ',"actor":' || p_actor || '}}');
    return items;
end
$$;
