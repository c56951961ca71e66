-- `many_match` gets a name that says what it is: `planner_hint_many_match`. Its only caller is `matching_tasks`.
--
-- `bridge migrate` loads both functions after the migrations. In between, a running API must still find the function that
-- `matching_tasks` calls. So this migration renames the function and its call in one transaction. A new database has neither
-- function yet.
do $$
begin
    if to_regproc('many_match') is not null then
        alter function many_match rename to planner_hint_many_match;
        execute replace(pg_get_functiondef('matching_tasks'::regproc), ' many_match(', ' planner_hint_many_match(');
    end if;
end
$$;
