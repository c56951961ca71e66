-- Changes entry 6 and gives it a matching hash, but leaves the entries after it as they are.
update audit_logs
set seq = 99,
    hash = sha256(prev_hash || convert_to(audit_entry_text(no, event_id, user_id, time, recorded_at, 99, task_id, type,
        actor_type, actor_id, correlation_id, event), 'UTF8'))
where no = 6
