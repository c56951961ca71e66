-- Queues the events of completed tasks of a user again, in their order.
-- $1 id of the user
insert into outbox (topic, user_id, event_id, event)
select 'task-events', user_id, event_id, event
from audit_logs
where user_id = $1 and type = 'task.completed'
order by no
