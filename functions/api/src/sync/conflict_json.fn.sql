-- A conflict as JSON.
create or replace function conflict_json(conflict conflicts) returns text
language plpgsql stable parallel safe as $$
begin
    return '{"id":"' || conflict.id::text || '","task_id":"' || conflict.task_id::text || '","field":"' || conflict.field
        || '","theirs":' || coalesce(conflict.theirs::text, 'null') || ',"yours":' || coalesce(conflict.yours::text, 'null')
        || ',"at":"' || rfc3339(conflict.created_at) || '"}';
end
$$;
