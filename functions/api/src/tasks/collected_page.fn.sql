-- Finds the tasks of a page by collecting all tasks that match, which are then sorted.
--
-- p_selection   ' from tasks where …', which selects the tasks that can match
-- p_most        if more tasks can match, nothing is found; null for no limit
-- p_columns, p_names, p_order_by, p_found, p_wanted   see `section_page`
--
-- ids, keys     see `section_page`
-- is_complete   whether all tasks were collected
create or replace function collected_page(
    p_selection text, p_most bigint, p_columns text, p_names text[], p_order_by text, p_found text, p_wanted bigint,
    out ids uuid[], out keys text[], out is_complete boolean)
language plpgsql stable as $$
begin
    -- Offset 0 keeps the planner from walking in the order of the page. It does not scan the table to read the first ones of a
    -- materialized query. Still, no more of it is run than is read. Without a search, all that are sorted pass.
    execute 'with matching as materialized (select id' || p_columns || case when p_found is null then '' else ', words' end || p_selection
        || ' offset 0), first_ones as materialized (select * from matching limit $1 + 1), verdict as materialized (select count(*) <= $1 '
        || 'as is_complete from first_ones) select page.*, verdict.is_complete from verdict, ('
        || page_statement(
            '(select * from first_ones where (select is_complete is not false from verdict)' || p_order_by || ' limit $2) tasks',
            p_names, p_found, p_wanted)
        || ') page'
        into ids, keys, is_complete using p_most, case when p_found is null then p_wanted end;
    is_complete := is_complete is not false;
end
$$;
