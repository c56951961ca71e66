-- Reads one page of a user's tasks: of the live ones, or of the deleted ones. A parameter that is null filters nothing.
--
-- p_user          id of the user
-- p_status        statuses, any of which a task must have
-- p_priority      priorities, any of which a task must have
-- p_tags          tags, all of which a task must have; see `tag_key` for which tags are equal
-- p_tags_any      tags, any of which a task must have
-- p_times         the ends of the ranges in which the times of a task must lie, see `time_bound`: after and before which it must be due,
--                 and in the same way created, updated and completed. A task without a time is in no range of that time
-- p_overdue       whether a task must be overdue, or must not
-- p_has_due       whether a task must have a due date, or none
-- p_series        id of the series of a recurring task
-- p_deleted       whether to read the deleted tasks
-- p_terms         search terms (see `compile_search`); an empty array finds nothing
-- p_sort          one or two sort keys: created_at, updated_at, due_at, completed_at, deleted_at, priority or title; or relevance alone
-- p_order         the direction of each sort key, asc or desc. Tasks without a due date come last in both. Tasks that are not completed
--                 come last in descending order of their completion, and first in ascending order
-- p_keys, p_id    sort keys (a text array) and id of the last task of the page before; null for the first page
-- p_limit         page size
-- p_count         whether to count the tasks that pass the filters
--
-- items     the tasks as a JSON array
-- next_keys, next_id   sort keys and id of the last task if more tasks follow, else null
-- ranked    with relevance, the number of matches that were ranked: the newest 1,000 at most; else null. It is 1,000, too, if the first
--           page was full of the best matches before so many were ranked, and the user has enough tasks for so many
-- total     the number of tasks that pass the filters, on all pages; 10,001 if there are more than 10,000; null without `p_count`
--
-- A search and other filters are served in one of two ways. If many tasks match, reading tasks in the order of the list until the
-- page is full is fast: the walk. If few match, collecting all of them from an index and sorting them is. The planner cannot choose
-- between the two, because it has no statistics about one user. So the function looks at the first 100 tasks of the order. If the
-- share of matches among them promises a full page within three quarters of the longest walk, it walks. If it was wrong, it collects.
-- Without a search, a longer walk is tried before more than 10,000 tasks are collected.
--
-- The index finds a few tasks too many for a search. Tasks are verified in the order of the page and until it is full, because their
-- words have to be unpacked for that.
--
-- Relevance ranks the newest 1,000 matches; of equal ones, the newest come first. If the glance promises enough tasks that no other can
-- match better, the walk ends when these fill the first page.
--
-- The statements are built from the parameters and planned each time. That is cheap because they have no conditions for absent
-- parameters. Every value in them is a quoted literal.
create or replace function task_page(
    p_user uuid, p_status text[], p_priority text[], p_tags text[], p_tags_any text[], p_times text[], p_overdue boolean,
    p_has_due boolean, p_series text, p_deleted boolean, p_terms text[], p_sort text[], p_order text[], p_keys text, p_id text,
    p_limit bigint, p_count boolean,
    out items text, out next_keys text, out next_id text, out ranked bigint, out total bigint)
language plpgsql stable as $$
declare
    glance constant bigint := 100;
    longest_walk constant bigint := 10000;
    most_collected constant bigint := 10000;
    deepest_walk constant bigint := 100000;
    relevant constant boolean := p_sort[1] = 'relevance';
    wanted constant bigint := case when relevant then 1000 else p_limit + 1 end;
    last_keys constant text[] := p_keys;
    zone text;
    times timestamptz[];
    -- The sort keys are columns with the names key_1 and key_2 in the statements.
    expressions text[];
    types text[];
    descending boolean;
    key_columns text := '';
    key_names text[];
    key_texts text[];
    in_order text := ' order by ';
    -- The conditions of the tasks after the page before: those with the same first keys, and those with later ones.
    after_page text[] := '{""}';
    base text;
    ordered text;
    unpacked text := '';
    verified text := '';
    best_matches bigint;
    key_list text;
    filters text;
    found text;
    rank text;
    lexemes tsquery;
    page_start text;
    page_end text;
    walk text;
    matching text;
    in_page text;
    collected bigint;
    matches bigint;
    seen bigint;
    ids uuid[];
    keys text[];
begin
    if p_terms is not null then
        select compiled.condition, compiled.rank, compiled.lexemes into found, rank, lexemes
            from compile_search(p_user, p_terms) compiled;
    end if;
    -- Most lists have no range of times.
    if array_to_string(p_times, '') <> '' then
        select timezone into zone from users where id = p_user;
        times := array(
            select time_bound(bound, place % 2 = 1, zone) from unnest(p_times) with ordinality as ends (bound, place) order by place);
    end if;
    -- `||` and `concat_ws` leave out conditions whose parameter is null.
    filters := nullif(concat_ws(' and ',
        'status = any (' || quote_literal(p_status) || ')',
        $sql$array_position('{low,medium,high,urgent}', priority) = any ($sql$ || quote_literal((
            select array_agg(array_position('{low,medium,high,urgent}', name)) from unnest(p_priority) name)) || ')',
        -- The index of keys holds only tasks that have tags.
        $sql$tag_keys <> '{}' and tag_keys @> $sql$ || quote_literal(tag_keys(p_tags)),
        $sql$tag_keys <> '{}' and tag_keys && $sql$ || quote_literal(tag_keys(p_tags_any)),
        $sql$due_at is not null and coalesce(due_at, 'infinity') > $sql$ || quote_literal(times[1]),
        $sql$coalesce(due_at, 'infinity') < $sql$ || quote_literal(times[2]),
        'created_at > ' || quote_literal(times[3]),
        'created_at < ' || quote_literal(times[4]),
        'updated_at > ' || quote_literal(times[5]),
        'updated_at < ' || quote_literal(times[6]),
        $sql$coalesce(completed_at, '-infinity') > $sql$ || quote_literal(times[7]),
        $sql$completed_at is not null and coalesce(completed_at, '-infinity') < $sql$ || quote_literal(times[8]),
        $sql$(coalesce(due_at, 'infinity') < now() and status in ('open', 'in_progress')) = $sql$ || quote_literal(p_overdue),
        '(due_at is not null) = ' || quote_literal(p_has_due),
        'series_id = ' || quote_literal(p_series)), '');

    for place in 1..cardinality(p_sort) loop
        descending := p_order[place] = 'desc' or relevant;
        expressions[place] := case p_sort[place]
            when 'due_at' then format('coalesce(due_at, %L)', case when descending then '-infinity' else 'infinity' end)
            when 'completed_at' then $sql$coalesce(completed_at, '-infinity')$sql$
            when 'priority' then $sql$array_position('{low,medium,high,urgent}', priority)$sql$
            when 'title' then 'title collate title_order'
            -- Relevance ranks the newest matches.
            when 'relevance' then 'created_at'
            else p_sort[place]
        end;
        types[place] := case p_sort[place] when 'priority' then 'integer' when 'title' then 'text' else 'timestamptz' end;
        key_columns := key_columns || format(', %s as key_%s', expressions[place], place);
        key_names[place] := format('key_%s', place);
        key_texts[place] := key_names[place] || '::text';
        in_order := in_order || format('key_%s%s, ', place, case when descending then ' desc' end);
    end loop;
    key_list := array_to_string(key_names, ', ');
    -- Tasks whose keys are equal are in the order of their ids, in the direction of the last key.
    in_order := in_order || case when descending then 'id desc' else 'id' end || ' limit $1';
    if p_keys is not null and not relevant then
        after_page[1] := format(' and (%s, id) %s (%L::%s, %L)',
            expressions[cardinality(p_sort)], case when descending then '<' else '>' end, last_keys[cardinality(p_sort)],
            types[cardinality(p_sort)], p_id);
        if cardinality(p_sort) = 2 then
            after_page[2] := format(' and %s %s %L::%s',
                expressions[1], case p_order[1] when 'desc' then '<' else '>' end, last_keys[1], types[1]);
            after_page[1] := format(' and %s = %L::%s', expressions[1], last_keys[1], types[1]) || after_page[1];
        end if;
    end if;

    base := ' from tasks where user_id = ' || quote_literal(p_user) || ' and deleted_at is '
        || case when p_deleted then 'not null' else 'null' end;
    -- An index has the open tasks in this order.
    if p_sort[1] = 'created_at' and not p_deleted and (p_overdue or p_status <@ '{open,in_progress}') then
        base := base || $sql$ and status in ('open', 'in_progress')$sql$;
    end if;
    -- An index can serve each of two conditions in order, but not both joined by OR.
    ordered := '(select *' || key_columns || base || after_page[1] || in_order || ')';
    if cardinality(after_page) = 2 then
        ordered := '(select * from (' || ordered
            || ' union all (select *' || key_columns || base || after_page[2] || in_order || ')) parts' || in_order || ')';
    end if;
    if relevant then
        page_start := $sql$select array_agg(id), array_agg(array[rank::text, key_1::text]::text), max(matches)
            from (select id, rank, key_1, matches from (select id, key_1, ($sql$
            || rank || ')' || case p_order[1] when 'desc' then '' else ' * -1' end
            || ' as rank, count(*) over () as matches from (select id, key_1, words from ';
        page_end := ') newest) ranked'
            || case
                when p_keys is null then ''
                else format(' where (rank, key_1, id) < (%L::integer, %L::timestamptz, %L)', last_keys[1], last_keys[2], p_id)
            end
            || ' order by rank desc, key_1 desc, id desc limit ' || p_limit + 1 || ') page';
    else
        page_start := 'select array_agg(id), array_agg(array[' || array_to_string(key_texts, ', ')
            || ']::text), null::bigint as matches from (select id, '
            || key_list || ' from ';
        page_end := ') page';
    end if;

    -- What stands before and after a source of tasks in order, to select those that the search finds. The words of a task are stored
    -- compressed. `|| ''` unpacks them once, and offset 0 keeps the planner from doing it again in each use of them.
    if found is not null then
        unpacked := '(select id, ' || key_list || ', words || '''' as words from ';
        verified := ' offset 0) tasks where ' || found;
    end if;
    verified := verified || ' limit ' || wanted;
    if filters is null and found is null then
        execute page_start || ordered || ' tasks' || page_end into ids, keys, ranked using wanted;
    else
        execute 'select count(*) filter (where ' || concat_ws(' and ', filters, found) || '), count(*) from ' || ordered || ' tasks'
            into matches, seen using glance;
        -- If there are no more tasks, collecting them is as fast as walking.
        if seen = glance and matches * longest_walk * 3 >= wanted * glance * 4 then
            -- The planner expects to read all tasks of a small account, and would sort them. The matches are in the order of the walk.
            perform set_config('enable_sort', 'off', true);
            walk := unpacked || ordered || ' tasks' || coalesce(' where ' || filters, '') || verified;
            if relevant and p_keys is null and p_order[1] = 'desc' then
                execute 'select count(*) filter (where ' || concat_ws(' and ', filters, found, '(' || rank || ') = 0') || ') from '
                    || ordered || ' tasks'
                    into best_matches using glance;
            end if;
            if best_matches * wanted >= (p_limit + 1) * matches * 2 then
                -- As many tasks as the matches that are ranked must lie among, by the share of matches.
                execute 'select count(*) from ' || ordered || ' tasks' into seen using wanted * glance / matches;
                if seen = wanted * glance / matches then
                    execute $sql$select array_agg(id), array_agg(array['0', key_1::text]::text)
                        from (select id, key_1 from (select id, key_1, words from $sql$ || walk
                        || ') newest where (' || rank || ') = 0 limit ' || p_limit + 1 || ') page'
                        into ids, keys using longest_walk;
                end if;
            end if;
            if cardinality(ids) > p_limit then
                ranked := wanted;
            else
                execute page_start || walk || page_end into ids, keys, ranked using longest_walk;
            end if;
            perform set_config('enable_sort', 'on', true);
        end if;
        if coalesce(ranked, cardinality(ids), 0) < wanted then
            -- Offset 0 keeps the planner from walking in the order of the page.
            matching := '(select id, words' || key_columns || base
                || case cardinality(after_page)
                    when 1 then after_page[1]
                    else format(' and (true%s or true%s)', after_page[1], after_page[2])
                end
                || coalesce(' and ' || filters, '') || coalesce(' and search @@ ' || quote_literal(lexemes), '') || ' offset 0)';
            in_page := ' tasks' || in_order || ') tasks' || verified || page_end;
            if found is null then
                -- The planner does not scan the table to read the first ones of a materialized query. Still, no more of it is run than is
                -- read.
                execute 'with matching as materialized ' || matching
                    || ', first_ones as materialized (select * from matching limit ' || most_collected + 1
                    || ') select page.*, (select count(*) from first_ones) from (' || page_start || '(select * from first_ones' || in_page
                    || ') page'
                    into ids, keys, ranked, collected using wanted;
                if collected > most_collected then
                    perform set_config('enable_sort', 'off', true);
                    execute page_start || ordered || ' tasks' || coalesce(' where ' || filters, '') || verified || page_end
                        into ids, keys, ranked using deepest_walk;
                    perform set_config('enable_sort', 'on', true);
                end if;
            end if;
            if found is not null or (collected > most_collected and coalesce(cardinality(ids), 0) < wanted) then
                execute page_start || unpacked || '(select * from ' || matching || in_page
                    into ids, keys, ranked using case when found is null then wanted end;
            end if;
        end if;
    end if;
    if relevant then
        ranked := coalesce(ranked, 0);
    end if;
    if p_count and p_keys is null and collected is not null then
        total := collected;
    elsif p_count then
        execute 'with matching as materialized (select' || base || coalesce(' and ' || filters, '')
            || coalesce(' and ' || found, '') || coalesce(' and search @@ ' || quote_literal(lexemes), '')
            || ') select count(*) from (select from matching limit ' || most_collected + 1 || ') counted'
            into total;
    end if;

    select '[' || coalesce(string_agg(task_json(task), ',' order by place), '') || ']' into items
        from unnest(ids) with ordinality as page (id, place) join tasks task using (id)
        where place <= p_limit;
    if cardinality(ids) > p_limit then
        next_keys := keys[p_limit];
        next_id := ids[p_limit];
    end if;
end
$$;
