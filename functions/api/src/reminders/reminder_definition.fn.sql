-- The definition of a reminder as a task has it, with its members in order.
--
-- item  the members that a client sets, as an object
-- id    the reminder; null for a new one
create or replace function reminder_definition(item jsonb, id uuid) returns text
language plpgsql stable parallel safe as $$
begin
    return '{"id":' || coalesce('"' || id::text || '"', 'null') || ',"before":' || coalesce(item -> 'before', 'null')::text
        || ',"at":' || coalesce(item -> 'at', 'null')::text || ',"on":' || coalesce(item -> 'on', 'null')::text
        || ',"channels":' || coalesce(item -> 'channels', 'null')::text
        || ',"repeat":' || coalesce(item -> 'repeat', 'null')::text || '}';
end
$$;
