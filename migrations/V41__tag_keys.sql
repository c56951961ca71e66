-- Tags that differ only in case, in white space around them, or in the way accents are typed are the same tag. Filters, counts and
-- renames compare keys. Triggers set them, so that the API of the release before sets them, too.

-- Returns what is equal in tags that are the same tag: tags are compared trimmed, in Normalization Form C and without case. Upper case
-- comes first, because some letters have one upper-case form and several lower-case ones.
--
-- `tasks.tag_keys` stores the results. If the result of this function changes, a migration must recompute that column.
create function tag_key(tag text) returns text
language plpgsql immutable strict parallel safe as $$
begin
    if octet_length(tag) = length(tag) then
        return lower(btrim(tag, E' \t\n\v\f\r'));
    end if;
    return normalize(lower(upper(normalize(
        btrim(tag, E' \t\n\v\f\r\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a'
            '\u200b\u2028\u2029\u202f\u205f\u2060\u3000\ufeff'), nfc)
        collate "und-x-icu")), nfc);
end
$$;

-- Returns the keys of a task's tags (see `tag_key`) in the order of the tags.
create function tag_keys(tags text[]) returns text[]
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

-- Sets `tasks.tag_keys` before a task with tags is inserted, or before its tags change (triggers `tag_keys_of_new` and
-- `tag_keys_of_changed`).
create function set_tag_keys() returns trigger
language plpgsql as $$
begin
    new.tag_keys := tag_keys(new.tags);
    return new;
end
$$;

alter table tasks add column tag_keys text[] not null default '{}';

create trigger tag_keys_of_new before insert on tasks
    for each row when (new.tags <> '{}')
    execute function set_tag_keys();
create trigger tag_keys_of_changed before update of tags on tasks
    for each row when (old.tags is distinct from new.tags)
    execute function set_tag_keys();
