-- Takes the agents the right to append to the audit trail.
revoke execute on function audit_append(text) from spindle_agent
