-- Builds the statement that reads a page from tasks in its order. Its columns are an array of ids and an array of sort keys, which are
-- text arrays; both are null if the page is empty.
--
-- p_source   what stands after `from` and has the tasks in order, with the sort keys and `words`
-- p_names    names of the sort keys
-- p_found    the condition of the search, see `compile_search`; null for none
-- p_wanted   maximum number of tasks
--
-- The index finds a few tasks too many for a search. Tasks are verified in the order of the page and until it is full, because their
-- words are stored compressed. `|| ''` unpacks them once, and offset 0 keeps the planner from doing it again in each use of them.
create or replace function page_statement(p_source text, p_names text[], p_found text, p_wanted bigint) returns text
language plpgsql immutable as $$
declare
    names constant text := array_to_string(p_names, ', ');
begin
    return 'select array_agg(id), array_agg(array[' || array_to_string(p_names, '::text, ') || '::text]::text) from (select id, ' || names
        || ' from ' || case
            when p_found is null then p_source
            else '(select id, ' || names || $sql$, words || '' as words from $sql$ || p_source || ' offset 0) tasks where ' || p_found
        end
        || ' limit ' || p_wanted || ') page';
end
$$;
