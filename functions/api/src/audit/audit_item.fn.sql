-- An entry of the audit trail as the JSON object that clients get.
--
-- entry  a row of `audit_logs`
--
-- Returns the JSON object. `event` is inserted as the recorded text, because the entry's hash covers that text.
create or replace function audit_item(entry audit_logs) returns json
language plpgsql stable parallel safe as $$
begin
    return json_build_object(
        'event_id', entry.event_id, 'no', entry.no, 'type', entry.type, 'time', rfc3339(entry.time),
        'user_id', entry.user_id, 'task_id', entry.task_id,
        'actor', case when entry.actor_type is not null or entry.actor_id is not null
            then json_build_object('type', entry.actor_type, 'id', entry.actor_id) end,
        'correlation_id', entry.correlation_id, 'seq', entry.seq,
        'hash', encode(entry.hash, 'hex'), 'prev_hash', encode(entry.prev_hash, 'hex'),
        'recorded_at', rfc3339(entry.recorded_at), 'event', entry.event::json);
end
$$;
