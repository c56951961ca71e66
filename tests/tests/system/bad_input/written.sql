-- Everything that a write to a task leaves behind.
select
    (select count(*) from tasks),
    (select coalesce(sum(version), 0)::bigint from tasks),
    (select coalesce(sum(sync_seq), 0)::bigint from users),
    (select count(*) from audit_logs where type like 'task.%')
