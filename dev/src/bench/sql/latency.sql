-- The latency from the commit that inserted an event into the outbox to the commit that appended its audit entry.
-- Returns the median and the 99th percentile in milliseconds, and the number of events.
select
    percentile_cont(0.5) within group (order by ms),
    percentile_cont(0.99) within group (order by ms),
    count(*)
from (
    select extract(epoch from pg_xact_commit_timestamp(a.xmin) - pg_xact_commit_timestamp(q.xmin))::float8 * 1000 as ms
    from audit_logs a
    join bench_queued q using (event_id)
) paired
