-- All entries, by number.
-- Columns: those that the hash covers, with both times in RFC 3339, and the hash.
select no, event_id, user_id, rfc3339(time) as time, rfc3339(recorded_at) as recorded_at, seq, task_id, type, actor_type,
    actor_id, correlation_id, event, hash
from audit_logs
order by no
