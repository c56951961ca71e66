-- A deleted task as an item of a client's synchronisation.
create or replace function tombstone_item(task tasks) returns text
language plpgsql stable parallel safe as $$
begin
    return '{"id":"' || task.id::text || '","deleted_at":"' || rfc3339(task.deleted_at) || '","seq":' || task.seq::text
        || ',"version":' || task.version::text || '}';
end
$$;
