-- One user's events as they were delivered, in chain order.
-- $1 user id
-- Result: event as text
select event from audit_logs where user_id = $1 order by no
