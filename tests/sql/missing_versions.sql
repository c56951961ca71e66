-- Versions of tasks that have no entry on the trail yet.
-- $1 user ids
-- Result: count, the first one as text
with recorded as (
    select task_id, (event::json #>> '{data,task,version}')::bigint as version
    from audit_logs
    where user_id = any($1) and task_id is not null
)
select count(*), min(tasks.id::text || ' version ' || expected.version)
from tasks
cross join lateral generate_series(1, tasks.version) as expected (version)
left join recorded on recorded.task_id = tasks.id and recorded.version = expected.version
where tasks.user_id = any($1) and recorded.version is null
