-- Returns the keys of a task's tags (see `tag_key`) in the order of the tags.
create or replace function tag_keys(tags text[]) returns text[]
language plpgsql immutable strict parallel safe as $$
declare
    keys text[] := '{}';
    tag text;
begin
    foreach tag in array tags loop
        keys := keys || tag_key(tag);
    end loop;
    return keys;
end
$$;
