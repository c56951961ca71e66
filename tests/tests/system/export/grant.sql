-- Gives it back.
grant select on audit_logs to spindle_api
