-- Returns the value of `tasks.search`: the words of a task with weight A for the title, B for the description and C for the tags,
-- and, without a weight, the parts of these words (see `infixes`). Parts are taken from the first 2,000 characters of the
-- description only, which bounds the cost of a write.
--
-- If the result of this function changes, a migration must recompute `tasks.search` (migrations/README.md).
create or replace function task_words(user_id uuid, title text, description text, tags text[]) returns tsvector
language plpgsql immutable strict parallel safe as $$
declare
    owner constant text := words_of(user_id);
    titled constant tsvector := to_tsvector('simple', words(title, owner));
    described tsvector := '';
    tagged tsvector := '';
    start tsvector;
begin
    if description <> '' then
        described := to_tsvector('simple', words(description, owner));
    end if;
    if tags <> '{}' then
        tagged := to_tsvector('simple', words(array_to_string(tags, ' '), owner));
    end if;
    start := described;
    if length(description) > 2000 then
        start := to_tsvector('simple', words(left(description, 2000), owner));
    end if;
    return setweight(titled, 'A') || setweight(described, 'B') || setweight(tagged, 'C') || infixes(titled || start || tagged);
end
$$;
