-- Events with more than one entry on the trail.
-- $1 user ids
-- Result: event id
select event_id from audit_logs where user_id = any($1) group by event_id having count(*) > 1
