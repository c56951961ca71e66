-- Finds the tasks of a page in the order of sort keys.
--
-- p_base         ' from tasks where …', which selects the live tasks of a user, or the deleted ones
-- p_filters      the condition of the filters, see `task_filters`; null for none
-- p_found        the condition of the search, see `compile_search`; null for none
-- p_lexemes      finds the tasks that can match the search, see `compile_search`; null for all
-- p_sort, p_order, p_keys, p_id   see `task_page`; p_keys is an array
-- p_wanted       maximum number of tasks
--
-- ids, keys   the ids of the tasks in order, and their sort keys as text arrays; null if there are none
--
-- The sections of the list are read one after the other until the page is full, see `list_sections`. If there are several, but the user
-- has few tasks, or few match, it is faster to collect these with one statement.
create or replace function ordered_page(
    p_base text, p_filters text, p_found text, p_lexemes tsquery, p_sort text[], p_order text[], p_keys text[], p_id text,
    p_wanted bigint, out ids uuid[], out keys text[])
language plpgsql stable as $$
declare
    small_account constant bigint := 1000;
    longest_walk constant bigint := 7500;
    most_collected constant bigint := 10000;
    condition constant text := concat_ws(' and ', p_filters, p_found);
    columns text := '';
    names text[];
    sections bigint;
    after_page text;
    sample text;
    seen bigint;
    section record;
    page record;
begin
    for place in 1..cardinality(p_sort) loop
        names[place] := 'key_' || place;
        columns := columns || ', ' || sort_key(p_sort[place], p_order[place]) || ' as ' || names[place];
    end loop;
    if cardinality(p_sort) = 2 then
        select count(*), string_agg('(true' || start || coalesce(' and ' || shared, '') || ')', ' or ') into sections, after_page
            from list_sections(p_sort, p_order, p_keys, p_id);
    end if;
    if sections > 1 then
        -- An index has the answer, so no tasks are read.
        execute 'select count(*) from (select' || p_base || ' order by created_at limit $1) newest' into seen using small_account + 1;
        sample := '(select *' || columns || p_base || order_by(p_order, 2) || ' limit $1) tasks';
        if seen <= small_account
            or (condition <> '' and ((expected_walks(
                estimated_rows('select' || p_base), sample, array[condition], array[p_wanted]))[1] <= longest_walk) is not true) then
            page := collected_page(
                p_base || case when p_keys is null then '' else ' and (' || after_page || ')' end || coalesce(' and ' || p_filters, '')
                    || coalesce(' and search @@ ' || quote_literal(p_lexemes), ''),
                most_collected, columns, names, order_by(p_order, 1), p_found, p_wanted);
            if page.is_complete then
                ids := page.ids;
                keys := page.keys;
                return;
            end if;
        end if;
    end if;
    for section in select * from list_sections(p_sort, p_order, p_keys, p_id) loop
        page := section_page(
            p_base || section.start, nullif(concat_ws(' and ', section.shared, p_filters), ''), p_found, p_lexemes, columns, names,
            section.order_by, p_wanted - coalesce(cardinality(ids), 0));
        ids := ids || page.ids;
        keys := keys || page.keys;
        exit when cardinality(ids) = p_wanted;
    end loop;
end
$$;
