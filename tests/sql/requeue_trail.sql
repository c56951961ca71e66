-- Queues every task and account event of the trail again, in the order of each user's events.
insert into outbox (topic, user_id, event_id, event)
select
    case when type like 'user.%' then 'account-events' else 'task-events' end,
    user_id, event_id, event
from audit_logs
where type like 'task.%' or type like 'user.%'
order by user_id, no
