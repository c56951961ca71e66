-- Sets what is derived from a task's texts in rows that an older release has written: `words` and `search`, and the keys of tags. One
-- chunk in each call. Rows that are locked are left out, so nobody waits for a chunk and a chunk waits for nobody.
--
-- p_after  id of the last row of the chunk before; the nil id for the first chunk
-- p_rows   number of rows of a chunk
--
-- last_id  id of the last row of the chunk; null if no such row follows `p_after`
-- skipped  number of rows of the chunk that are locked
create or replace function rebuild_tasks(p_after uuid, p_rows integer, out last_id uuid, out skipped bigint)
language plpgsql as $$
declare
    chunk uuid[];
    rebuilt bigint;
begin
    chunk := array(
        select id from tasks
        where id > p_after and (words is null or (tags <> '{}' and tag_keys = '{}'))
        order by id limit p_rows);
    with unlocked as (
        select id, task_words(title, description, tags) as words from tasks where id = any (chunk) for no key update skip locked
    )
    update tasks set words = unlocked.words, search = task_lexemes(user_id, unlocked.words), tag_keys = tag_keys(tags)
        from unlocked
        where tasks.id = unlocked.id;
    get diagnostics rebuilt = row_count;
    last_id := chunk[cardinality(chunk)];
    skipped := cardinality(chunk) - rebuilt;
end
$$;
