-- Finds the tasks of a page of a search in the order of relevance.
--
-- p_base, p_filters, p_found, p_lexemes   see `ordered_page`
-- p_rank         an expression for the relevance of a task, see `compile_search`
-- p_order        'desc' if the best matches come first, or 'asc'
-- p_keys, p_id   rank, time of creation and id of the last task of the page before; null for the first page
-- p_wanted       maximum number of tasks
--
-- ids, keys   the ids of the tasks in order, with their ranks and times of creation; null if there are none
-- ranked      the number of matches that were ranked, see `task_page`
--
-- The newest 1,000 matches are ranked; of equal ones, the newest come first. They are found by a walk or collected, see `section_page`,
-- whatever is faster. If enough tasks that no other can match better are expected soon, a walk ends when these fill the first page.
create or replace function ranked_page(
    p_base text, p_filters text, p_found text, p_lexemes tsquery, p_rank text, p_order text, p_keys text[], p_id text, p_wanted bigint,
    out ids uuid[], out keys text[], out ranked bigint)
language plpgsql stable as $$
declare
    most_ranked constant bigint := 1000;
    longest_walk constant bigint := 100000;
    filtered constant text := coalesce(' where ' || p_filters, '');
    in_order constant text := ' order by key_1 desc, id desc limit $1';
    ordered constant text := '(select *, created_at as key_1' || p_base || in_order || ') tasks';
    -- What stands before and after a source of tasks in order. The words of a task are stored compressed. `|| ''` unpacks them once,
    -- and offset 0 keeps the planner from doing it again in each use of them.
    unpacked constant text := '(select id, key_1, words || '''' as words from ';
    verified constant text := ' offset 0) tasks where ' || p_found || ' limit ' || most_ranked;
    walk constant text := unpacked || ordered || filtered || verified;
    page_start constant text := $sql$select array_agg(id), array_agg(array[rank::text, key_1::text]::text), max(matches)
        from (select id, rank, key_1, matches from (select id, key_1, ($sql$
        || p_rank || ')' || case p_order when 'desc' then '' else ' * -1' end
        || ' as rank, count(*) over () as matches from (select id, key_1, words from ';
    page_end constant text := ') newest) ranked'
        || case
            when p_keys is null then ''
            else format(' where (rank, key_1, id) < (%L::integer, %L::timestamptz, %L)', p_keys[1], p_keys[2], p_id)
        end
        || ' order by rank desc, key_1 desc, id desc limit ' || p_wanted || ') page';
    matching constant text := concat_ws(' and ', p_filters, p_found);
    -- About how many tasks there are.
    total constant bigint := estimated_rows('select' || p_base);
    -- How many tasks a walk is expected to read: until `most_ranked` tasks match, and until a page of the best matches is full.
    expected constant bigint[] := expected_walks(
        total, ordered, array[matching, matching || ' and (' || p_rank || ') = 0'], array[most_ranked, p_wanted]);
    reach constant bigint := expected[1];
    best_reach constant bigint := case when p_keys is null and p_order = 'desc' then expected[2] end;
    -- The number of tasks that can be walked in the time in which all matches are collected. A match that is collected takes as long as
    -- four tasks of a walk, because it is found in the index and sorted.
    worth constant bigint := total * most_ranked / reach * 4;
begin
    if reach is not null then
        -- The planner expects to read all tasks of a small account, and would sort them. The matches are in the order of the walk.
        perform set_config('enable_sort', 'off', true);
        -- The user must have enough tasks for `most_ranked` matches, because the answer says that so many were ranked. `total` is an estimate.
        if best_reach * 2 <= least(reach, worth) and reach <= total * 3 / 4 then
            execute $sql$select array_agg(id), array_agg(array['0', key_1::text]::text)
                from (select id, key_1 from (select id, key_1, words from $sql$ || walk
                || ') newest where (' || p_rank || ') = 0 limit ' || p_wanted || ') page'
                into ids, keys using longest_walk;
        end if;
        if cardinality(ids) = p_wanted then
            ranked := most_ranked;
        elsif reach <= least(worth, longest_walk * 3 / 4) then
            execute page_start || walk || page_end into ids, keys, ranked using longest_walk;
        end if;
        perform set_config('enable_sort', 'on', true);
    end if;
    if coalesce(ranked, 0) < most_ranked then
        -- Offset 0 keeps the planner from walking in the order of the page.
        execute page_start || unpacked || '(select * from (select id, words, created_at as key_1' || p_base
            || coalesce(' and ' || p_filters, '') || coalesce(' and search @@ ' || quote_literal(p_lexemes), '') || ' offset 0) tasks'
            || in_order || ') tasks' || verified || page_end
            into ids, keys, ranked using null::bigint;
    end if;
    ranked := coalesce(ranked, 0);
end
$$;
