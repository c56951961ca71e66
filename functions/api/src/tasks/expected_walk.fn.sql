-- Estimates how many tasks of a list have to be read until enough of them pass, by the share of those that pass among the first ones.
--
-- p_base       ' from tasks where …', which selects the tasks of the list
-- p_ordered    a query, in parentheses and with the name `tasks`, that reads the first $1 of them in order
-- p_condition  the condition that a task must pass
-- p_wanted     number of tasks that must pass
--
-- The function looks at 100 tasks, and at 1,000 of a long list, where a wrong decision takes long. The result is null if none of these
-- passes, or if there are fewer tasks.
create or replace function expected_walk(p_base text, p_ordered text, p_condition text, p_wanted bigint) returns bigint
language plpgsql stable as $$
declare
    sample constant bigint := case when estimated_rows('select' || p_base) > 100000 then 1000 else 100 end;
    passed bigint;
    seen bigint;
begin
    execute 'select count(*) filter (where ' || p_condition || '), count(*) from ' || p_ordered into passed, seen using sample;
    return case when seen = sample then p_wanted * seen / nullif(passed, 0) end;
end
$$;
