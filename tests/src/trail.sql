-- Every task entry of these people in the order of their chains.
select user_id, task_id, (event::jsonb #>> '{data,task,version}')::bigint, type, event_id
from audit_logs
where user_id = any($1) and type like 'task.%'
order by user_id, no
