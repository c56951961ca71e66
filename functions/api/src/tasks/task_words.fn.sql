-- Returns the value of `tasks.words`: the words of a task (see `words`) in the form
-- ' <title> | <tag> , <tag> / <description> '. Words contain none of these separators, so a phrase matches inside of one field
-- and one tag only, and the position of a match tells its field.
--
-- If the result of this function changes, `tasks.words` must be computed again (migrations/README.md).
create or replace function task_words(title text, description text, tags text[]) returns text
language plpgsql immutable strict parallel safe as $$
declare
    -- The characters that have a meaning in `words`.
    reserved constant text := E'\x01\x02\x03\x1c\x1d\x1e';
begin
    return translate(
        words(
            translate(title, reserved, '      ') || E' \x1c '
            || case when tags = '{}' then '' else replace(
                translate(array_to_string(tags, E'\x1f'), reserved, '      '), E'\x1f', E' \x1d ') end
            || E' \x1e ' || translate(description, reserved, '      ')),
        E'\x1c\x1d\x1e', '|,/');
end
$$;
