-- Returns what is equal in tags that are the same tag: tags are compared trimmed, in Normalization Form C and without case. Upper case
-- comes first, because some letters have one upper-case form and several lower-case ones.
--
-- `tasks.tag_keys` stores the results. If the result of this function changes, a migration must recompute that column.
create or replace function tag_key(tag text) returns text
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
