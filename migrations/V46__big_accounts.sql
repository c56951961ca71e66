-- What lists and searches of many tasks need.
--
-- A search reads the words of hundreds of tasks, so they are stored where they are read fastest: in the row of the task instead of
-- outside of it, and compressed with lz4, if Postgres has it. A row changes when it is written the next time.
alter table tasks alter column words set storage main;
do $$
begin
    alter table tasks alter column words set compression lz4;
exception when feature_not_supported then
    raise notice 'Postgres is compiled without lz4; tasks.words is compressed with pglz';
end
$$;

-- The planner knows nothing about this expression, although it is in an index: the statistics of a partial index are not used for it.
-- ANALYZE collects the statistics.
create statistics tasks_completion_spread on (coalesce(completed_at, '-infinity')) from tasks;
