-- Events with more than one entry.
select event_id from audit_logs where user_id = any($1) group by event_id having count(*) > 1
