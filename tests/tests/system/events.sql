-- One person's events as they were received.
select event from audit_logs where user_id = $1 order by no
