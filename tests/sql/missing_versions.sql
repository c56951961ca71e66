-- Versions of tasks that have no entry on the trail yet.
-- $1 user ids
-- Result: count, the first one as text
select count(*), min(tasks.id::text || ' version ' || expected.version)
from tasks
cross join lateral generate_series(1, tasks.version) as expected (version)
where tasks.user_id = any($1)
    and not exists (
        select from audit_logs
        where audit_logs.task_id = tasks.id
            and (audit_logs.event::jsonb #>> '{data,task,version}')::bigint = expected.version
    )
