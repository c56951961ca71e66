-- Counts that every write to a task changes.
-- Result: count of tasks, sum of task versions, sum of the users' sequence numbers, count of task events on the trail
select
    (select count(*) from tasks),
    (select coalesce(sum(version), 0)::bigint from tasks),
    (select coalesce(sum(sync_seq), 0)::bigint from users),
    (select count(*) from audit_logs where type like 'task.%')
