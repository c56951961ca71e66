-- Task entries of these users in chain order.
-- $1 user ids
-- Result: user id, task id, task version, event type, event id, sequence number
select user_id, task_id, (event::jsonb #>> '{data,task,version}')::bigint, type, event_id,
    seq
from audit_logs
where user_id = any($1) and type like 'task.%'
order by user_id, no
