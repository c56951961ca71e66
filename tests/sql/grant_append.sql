-- Gives the agents the right back that revoke_append.sql has taken.
grant execute on function audit_append(text) to spindle_agent
