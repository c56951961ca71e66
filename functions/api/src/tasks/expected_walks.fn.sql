-- Estimates how many tasks of a list have to be read until enough of them pass, by the share of those that pass among the first ones.
--
-- p_tasks       about how many tasks the list has, see `estimated_rows`
-- p_ordered     a query, in parentheses and with the name `tasks`, that reads the first $1 of them in order
-- p_conditions  conditions that a task must pass
-- p_wanted      for each condition, number of tasks that must pass
--
-- The function samples the first 100 tasks, or the first 1,000 of a list of more than 100,000, where a wrong decision takes long. The result
-- has a number for each condition. It is null if no task of the sample passes, or if the list has fewer tasks than the sample.
create or replace function expected_walks(p_tasks bigint, p_ordered text, p_conditions text[], p_wanted bigint[]) returns bigint[]
language plpgsql stable as $$
declare
    sample constant bigint := case when p_tasks > 100000 then 1000 else 100 end;
    passed bigint[];
    seen bigint;
begin
    execute 'select array[count(*) filter (where ' || array_to_string(p_conditions, '), count(*) filter (where ')
        || ')], count(*) from ' || p_ordered into passed, seen using sample;
    return array(
        select case when seen = sample then wanted * seen / nullif(count, 0) end
        from unnest(passed, p_wanted) with ordinality as walks (count, wanted, place) order by place);
end
$$;
