-- Undoes revoke_audit_read.sql.
grant select on audit_logs to spindle_api
