-- Counts the tasks that pass the filters and the search of a list: the exact number up to 10,000, and 10,001 if there are more.
-- Parameters as those of `ordered_page`.
create or replace function count_matches(p_base text, p_filters text, p_found text, p_lexemes tsquery) returns bigint
language plpgsql stable as $$
declare
    total bigint;
begin
    execute 'with matching as materialized (select' || p_base || coalesce(' and ' || p_filters, '') || coalesce(' and ' || p_found, '')
        || coalesce(' and search @@ ' || quote_literal(p_lexemes), '')
        || ') select count(*) from (select from matching limit 10001) counted'
        into total;
    return total;
end
$$;
