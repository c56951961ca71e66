-- Reads one page of a user's tasks, without deleted ones. A parameter that is null filters nothing.
--
-- p_user          id of the user
-- p_status        statuses, any of which a task must have
-- p_priority      priorities, any of which a task must have
-- p_tags          tags, all of which a task must have; see `tag_key` for which tags are equal
-- p_tags_any      tags, any of which a task must have
-- p_due_before, p_due_after   time that the due date must be before or after; without a due date, a task is not due before or
--                 after any time
-- p_overdue       whether a task must be overdue, or must not
-- p_series        id of the series of a recurring task
-- p_updated_after time after which a task must have been updated
-- p_terms         search terms (see `compile_search`); an empty array finds nothing
-- p_times         times after and before which a task must have been created, before which it must have been updated, and after and
--                 before which it must have been completed; each may be null
-- p_has_due       whether a task must have a due date, or none
-- p_sort          created_at, updated_at, due_at, priority, title, or relevance
-- p_descending    whether the order is descending. Tasks without a due date come last in both directions
-- p_key, p_id     sort key and id of the last task of the page before; null for the first page
-- p_limit         page size
--
-- items     the tasks as a JSON array
-- next_key, next_id   sort key and id of the last task if more tasks follow, else null
-- ranked    with relevance, the number of matches that were ranked: the newest 1,000 at most; else null
--
-- A search and other filters are served in one of two ways. If many tasks match, reading tasks in the order of the list until the
-- page is full is fast: the walk. If few match, collecting all of them from an index and sorting them is. The planner cannot choose
-- between the two, because it has no statistics about one user. So the function looks at the first 100 tasks of the order. If the
-- share of matches among them promises a full page within half of the longest walk, it walks. If it was wrong, it collects.
--
-- The statements are built from the parameters and planned each time. That is cheap because they have no conditions for absent
-- parameters. Every value in them is a quoted literal.
create or replace function task_page(
    p_user uuid, p_status text[], p_priority text[], p_tags text[], p_tags_any text[], p_due_before text, p_due_after text,
    p_overdue boolean, p_series text, p_updated_after text, p_terms text[], p_times text[], p_has_due boolean, p_sort text,
    p_descending boolean, p_key text, p_id text, p_limit bigint,
    out items text, out next_key text, out next_id text, out ranked bigint)
language plpgsql stable as $$
declare
    glance constant bigint := 100;
    longest_walk constant bigint := 10000;
    relevant constant boolean := p_sort = 'relevance';
    -- The key by which tasks are walked. Relevance ranks the newest matches.
    sort_key constant text := case p_sort
        when 'due_at' then format('coalesce(due_at, %L)', case when p_descending then '-infinity' else 'infinity' end)
        when 'priority' then $sql$array_position('{low,medium,high,urgent}', priority)$sql$
        when 'title' then 'title collate title_order'
        when 'relevance' then 'created_at'
        else p_sort
    end;
    key_type constant text := case p_sort when 'priority' then 'integer' when 'title' then 'text' else 'timestamptz' end;
    direction constant text := case when p_descending or relevant then ' desc' else ' asc' end;
    in_order constant text := ' order by sort_key' || direction || ', id' || direction || ' limit ';
    wanted constant bigint := case when relevant then 1000 else p_limit + 1 end;
    filters text;
    rank text;
    lexemes tsquery;
    source text;
    page_start text;
    page_end text;
    matches bigint;
    seen bigint;
    ids uuid[];
    keys text[];
begin
    if p_terms is not null then
        select compiled.condition, compiled.rank, compiled.lexemes into filters, rank, lexemes
            from compile_search(p_user, p_terms) compiled;
    end if;
    -- `||` and `concat_ws` leave out conditions whose parameter is null.
    filters := nullif(concat_ws(' and ',
        filters,
        'status = any (' || quote_literal(p_status) || ')',
        $sql$array_position('{low,medium,high,urgent}', priority) = any ($sql$ || quote_literal((
            select array_agg(array_position('{low,medium,high,urgent}', name)) from unnest(p_priority) name)) || ')',
        -- The index of keys holds only tasks that have tags.
        $sql$tag_keys <> '{}' and tag_keys @> $sql$ || quote_literal(tag_keys(p_tags)),
        $sql$tag_keys <> '{}' and tag_keys && $sql$ || quote_literal(tag_keys(p_tags_any)),
        $sql$coalesce(due_at, 'infinity') < $sql$ || quote_literal(p_due_before),
        $sql$due_at is not null and coalesce(due_at, 'infinity') > $sql$ || quote_literal(p_due_after),
        $sql$(coalesce(due_at, 'infinity') < now() and status in ('open', 'in_progress')) = $sql$ || quote_literal(p_overdue),
        'series_id = ' || quote_literal(p_series),
        'updated_at > ' || quote_literal(p_updated_after),
        'created_at > ' || quote_literal(p_times[1]),
        'created_at < ' || quote_literal(p_times[2]),
        'updated_at < ' || quote_literal(p_times[3]),
        'completed_at > ' || quote_literal(p_times[4]),
        'completed_at < ' || quote_literal(p_times[5]),
        '(due_at is not null) = ' || quote_literal(p_has_due)), '');

    source := '(select *, ' || sort_key || ' as sort_key from tasks where deleted_at is null and user_id = ' || quote_literal(p_user)
        || case
            when p_key is null or relevant then ''
            else format(' and (%s, id) %s (%L::%s, %L)', sort_key, case when p_descending then '<' else '>' end, p_key, key_type, p_id)
        end;
    if relevant then
        page_start := 'select array_agg(id), array_agg(key::text), max(matches) from (select id, key, matches from (select id, ('
            || rank || ')' || case when p_descending then '' else ' * -1' end
            || ' as key, count(*) over () as matches from (select id, words from ';
        page_end := ') newest) ranked'
            || case when p_key is null then '' else format(' where (key, id) < (%L::float8, %L)', p_key, p_id) end
            || ' order by key desc, id desc limit ' || p_limit + 1 || ') page';
    else
        page_start := 'select array_agg(id), array_agg(sort_key::text) from (select id, sort_key from ';
        page_end := ') page';
    end if;

    if filters is null then
        execute page_start || source || in_order || wanted || ') tasks' || page_end into ids, keys;
    else
        execute 'select count(*) filter (where ' || filters || '), count(*) from ' || source || in_order || glance || ') tasks'
            into matches, seen;
        -- If there are no more tasks, collecting them is as fast as walking.
        if seen = glance and matches * longest_walk >= wanted * glance * 2 then
            -- The planner expects to read all tasks of a small account, and would sort them. The matches are in the order of the walk.
            perform set_config('enable_sort', 'off', true);
            execute page_start || source || in_order || longest_walk || ') tasks where ' || filters || ' limit ' || wanted || page_end
                into ids, keys, ranked;
            perform set_config('enable_sort', 'on', true);
        end if;
        if coalesce(ranked, cardinality(ids), 0) < wanted then
            -- Offset 0 keeps the planner from walking in the order of the page.
            execute page_start || source || ' and ' || filters || coalesce(' and search @@ ' || quote_literal(lexemes), '')
                || ' offset 0) tasks' || in_order || wanted || page_end
                into ids, keys, ranked;
        end if;
    end if;
    if relevant then
        ranked := coalesce(ranked, 0);
    end if;

    select '[' || coalesce(string_agg(task_json(task), ',' order by place), '') || ']' into items
        from unnest(ids) with ordinality as page (id, place) join tasks task using (id)
        where place <= p_limit;
    if cardinality(ids) > p_limit then
        next_key := keys[p_limit];
        next_id := ids[p_limit];
    end if;
end
$$;
