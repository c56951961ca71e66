-- Takes the trail from the API.
revoke select on audit_logs from spindle_api
