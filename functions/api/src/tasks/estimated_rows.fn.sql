-- Returns the number of rows of a query that the planner expects. It knows which users have a great part of all tasks.
--
-- p_query  a query that is not run
--
-- The function is volatile, because EXPLAIN is not allowed in others.
create or replace function estimated_rows(p_query text) returns bigint
language plpgsql as $$
declare
    plan json;
begin
    execute 'explain (format json) ' || p_query into plan;
    return plan -> 0 -> 'Plan' -> 'Plan Rows';
end
$$;
