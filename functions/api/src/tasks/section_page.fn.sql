-- Finds the first tasks of a section of a list, see `list_sections`.
--
-- p_base       ' from tasks where …', which selects the tasks from the place where the section begins
-- p_filters    the condition of the filters, see `task_filters`; null for none
-- p_found      the condition of the search, see `compile_search`; null for none
-- p_lexemes    finds the tasks that can match the search, see `compile_search`; null for all
-- p_columns    the sort keys as columns that follow others: ', created_at as key_1'
-- p_names      the names of the sort keys
-- p_order_by   see `list_sections`
-- p_wanted     maximum number of tasks
--
-- ids, keys    the ids of the tasks in order, and their sort keys as text arrays; null if there are none
--
-- Filters are served in one of two ways. If many tasks match, reading tasks in the order of the list until the page is full is fast:
-- the walk. If few match, collecting all of them from an index and sorting them is. The planner cannot choose between the two, because
-- it has no statistics about one user. So the function walks if a full page is expected within three quarters of the longest walk. If
-- that was wrong, it collects. Without a search, a longer walk is tried before more than 10,000 tasks are collected.
create or replace function section_page(
    p_base text, p_filters text, p_found text, p_lexemes tsquery, p_columns text, p_names text[], p_order_by text, p_wanted bigint,
    out ids uuid[], out keys text[])
language plpgsql stable as $$
declare
    longest_walk constant bigint := 10000;
    most_collected constant bigint := 10000;
    deepest_walk constant bigint := 100000;
    ordered constant text := '(select *' || p_columns || p_base || p_order_by || ' limit $1) tasks';
    walk constant text := page_statement(ordered || coalesce(' where ' || p_filters, ''), p_names, p_found, p_wanted);
    matching constant text := p_base || coalesce(' and ' || p_filters, '') || coalesce(' and search @@ ' || quote_literal(p_lexemes), '');
    expected bigint[];
    collected record;
begin
    if p_filters is null and p_found is null then
        execute walk into ids, keys using p_wanted;
        return;
    end if;
    expected := expected_walks(
        estimated_rows('select' || p_base), ordered, array[concat_ws(' and ', p_filters, p_found)], array[p_wanted]);
    if expected[1] <= longest_walk * 3 / 4 then
        -- The planner expects to read all tasks of a small account, and would sort them. The matches are in the order of the walk.
        perform set_config('enable_sort', 'off', true);
        execute walk into ids, keys using longest_walk;
        perform set_config('enable_sort', 'on', true);
        if cardinality(ids) = p_wanted then
            return;
        end if;
    end if;
    if p_found is null then
        collected := collected_page(matching, most_collected, p_columns, p_names, p_order_by, p_found, p_wanted);
        if collected.is_complete then
            ids := collected.ids;
            keys := collected.keys;
            return;
        end if;
        perform set_config('enable_sort', 'off', true);
        execute walk into ids, keys using deepest_walk;
        perform set_config('enable_sort', 'on', true);
        if cardinality(ids) = p_wanted then
            return;
        end if;
    end if;
    collected := collected_page(matching, null, p_columns, p_names, p_order_by, p_found, p_wanted);
    ids := collected.ids;
    keys := collected.keys;
end
$$;
