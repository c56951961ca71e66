-- Whether no job runs, and every event of a task has reached the Postgres log and is on the audit trail.
-- Result: the answer (boolean)
select
    not exists (select from jobs where not ended)
    and not exists (select from outbox)
    and not exists (
        select
        from log_heads
        left join log_offsets
            on log_offsets.topic = log_heads.topic
            and log_offsets.partition = log_heads.partition
            and log_offsets.group_name = 'audit'
        where log_heads.topic = 'task-events' and log_heads.head > coalesce(log_offsets."offset", 0))
