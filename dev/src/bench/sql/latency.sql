-- From the commit that queued an event to the commit that put it on the trail, in milliseconds: p50, p99 and how many.
select
    percentile_cont(0.5) within group (order by ms),
    percentile_cont(0.99) within group (order by ms),
    count(*)
from (
    select extract(epoch from pg_xact_commit_timestamp(a.xmin) - pg_xact_commit_timestamp(q.xmin))::float8 * 1000 as ms
    from audit_logs a
    join bench_queued q using (event_id)
) paired
