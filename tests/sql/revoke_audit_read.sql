-- Takes the permission to read the audit trail from the API.
revoke select on audit_logs from spindle_api
