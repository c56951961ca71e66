-- Estimates how many tasks of a list have to be read until enough of them pass, by the share of those that pass among the first 100.
--
-- p_ordered    a query in parentheses that reads the first $1 tasks of the order
-- p_condition  the condition that a task must pass
-- p_wanted     number of tasks that must pass
--
-- The result is null if none of the first 100 tasks passes, or if there are fewer than 100.
create or replace function expected_walk(p_ordered text, p_condition text, p_wanted bigint) returns bigint
language plpgsql stable as $$
declare
    passed bigint;
    seen bigint;
begin
    execute 'select count(*) filter (where ' || p_condition || '), count(*) from ' || p_ordered || ' tasks' into passed, seen using 100;
    return case when seen = 100 then p_wanted * seen / nullif(passed, 0) end;
end
$$;
