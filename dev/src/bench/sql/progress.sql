select (select count(*) from audit_logs), (select count(*) from outbox)
