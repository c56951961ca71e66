-- The latency from the commit that completed an occurrence to the commit that made the next one.
-- $1 ids of the completed tasks
-- Returns the median, the 99th percentile and the longest in milliseconds, and the number of tasks.
select
    percentile_cont(0.5) within group (order by ms),
    percentile_cont(0.99) within group (order by ms),
    max(ms),
    count(*)
from (
    select extract(epoch from pg_xact_commit_timestamp(next.xmin) - pg_xact_commit_timestamp(done.xmin))::float8 * 1000 as ms
    from tasks done
    join tasks next on next.series_id = done.series_id and next.occurrence_number = 2
    where done.id = any ($1)
) paired
