-- Inserts a copy of entry 8 with another event id.
insert into audit_logs
select gen_random_uuid(), time, user_id, no, task_id, type, actor_type, actor_id, correlation_id, seq, prev_hash, hash,
    recorded_at, event
from audit_logs
where no = 8
