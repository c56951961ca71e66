-- Finds the tasks of a page in the order of sort keys.
--
-- p_base         ' from tasks where …', which selects the live tasks of a user, or the deleted ones
-- p_filters      the condition of the filters, see `task_filters`; null for none
-- p_found        the condition of the search, see `compile_search`; null for none
-- p_lexemes      finds the tasks that can match the search, see `compile_search`; null for all
-- p_sort, p_order, p_keys, p_id   see `compile_order`
-- p_wanted       maximum number of tasks
--
-- ids, keys   the ids and sort keys of the tasks in order; null if there are none
-- collected   the number of tasks that pass the filters, if they were counted on the way: 10,001 if there are more than 10,000
--
-- Filters are served in one of two ways. If many tasks match, reading tasks in the order of the list until the page is full is fast:
-- the walk. If few match, collecting all of them from an index and sorting them is. The planner cannot choose between the two, because
-- it has no statistics about one user. So the function walks if a full page is expected within three quarters of the longest walk. If
-- that was wrong, it collects. Without a search, a longer walk is tried before more than 10,000 tasks are collected.
--
-- The index finds a few tasks too many for a search. Tasks are verified in the order of the page and until it is full, because their
-- words have to be unpacked for that.
create or replace function ordered_page(
    p_base text, p_filters text, p_found text, p_lexemes tsquery, p_sort text[], p_order text[], p_keys text[], p_id text,
    p_wanted bigint, out ids uuid[], out keys text[], out collected bigint)
language plpgsql stable as $$
declare
    longest_walk constant bigint := 10000;
    most_collected constant bigint := 10000;
    deepest_walk constant bigint := 100000;
    keys_of record;
    key_list text;
    in_order text;
    ordered text;
    filtered constant text := coalesce(' where ' || p_filters, '');
    unpacked text := '';
    verified text := '';
    page_start text;
    page_end text;
    matching text;
    in_page text;
begin
    keys_of := compile_order(p_sort, p_order, p_keys, p_id);
    key_list := array_to_string(keys_of.key_names, ', ');
    in_order := keys_of.order_by || ' limit $1';
    -- An index can serve each of two conditions in order, but not both joined by OR.
    ordered := '(select *' || keys_of.key_columns || p_base || keys_of.after_page[1] || in_order || ')';
    if cardinality(keys_of.after_page) = 2 then
        ordered := '(select * from (' || ordered || ' union all (select *' || keys_of.key_columns || p_base || keys_of.after_page[2]
            || in_order || ')) parts' || in_order || ')';
    end if;
    page_start := 'select array_agg(id), array_agg(array[' || array_to_string(keys_of.key_names, '::text, ')
        || '::text]::text) from (select id, ' || key_list || ' from ';
    page_end := ') page';
    -- What stands before and after a source of tasks in order, to select those that the search finds. The words of a task are stored
    -- compressed. `|| ''` unpacks them once, and offset 0 keeps the planner from doing it again in each use of them.
    if p_found is not null then
        unpacked := '(select id, ' || key_list || ', words || '''' as words from ';
        verified := ' offset 0) tasks where ' || p_found;
    end if;
    verified := verified || ' limit ' || p_wanted;

    if p_filters is null and p_found is null then
        execute page_start || ordered || ' tasks' || page_end into ids, keys using p_wanted;
        return;
    end if;
    if expected_walk(ordered, concat_ws(' and ', p_filters, p_found), p_wanted) <= longest_walk * 3 / 4 then
        -- The planner expects to read all tasks of a small account, and would sort them. The matches are in the order of the walk.
        perform set_config('enable_sort', 'off', true);
        execute page_start || unpacked || ordered || ' tasks' || filtered || verified || page_end into ids, keys using longest_walk;
        perform set_config('enable_sort', 'on', true);
        if cardinality(ids) = p_wanted then
            return;
        end if;
    end if;
    -- Offset 0 keeps the planner from walking in the order of the page.
    matching := '(select id, words' || keys_of.key_columns || p_base
        || case cardinality(keys_of.after_page)
            when 1 then keys_of.after_page[1]
            else format(' and (true%s or true%s)', keys_of.after_page[1], keys_of.after_page[2])
        end
        || coalesce(' and ' || p_filters, '') || coalesce(' and search @@ ' || quote_literal(p_lexemes), '') || ' offset 0)';
    in_page := ' tasks' || in_order || ') tasks' || verified || page_end;
    if p_found is null then
        -- The planner does not scan the table to read the first ones of a materialized query. Still, no more of it is run than is
        -- read.
        execute 'with matching as materialized ' || matching
            || ', first_ones as materialized (select * from matching limit ' || most_collected + 1
            || ') select page.*, (select count(*) from first_ones) from (' || page_start || '(select * from first_ones' || in_page
            || ') page'
            into ids, keys, collected using p_wanted;
        if collected <= most_collected then
            return;
        end if;
        perform set_config('enable_sort', 'off', true);
        execute page_start || ordered || ' tasks' || filtered || verified || page_end into ids, keys using deepest_walk;
        perform set_config('enable_sort', 'on', true);
        if cardinality(ids) = p_wanted then
            return;
        end if;
    end if;
    execute page_start || unpacked || '(select * from ' || matching || in_page
        into ids, keys using case when p_found is null then p_wanted end;
end
$$;
