-- Queues every event of the trail once more, in the order in which each user's events happened.
insert into outbox (topic, user_id, event_id, event)
select
    case when type like 'user.%' then 'account-events' else 'task-events' end,
    user_id, event_id, event
from audit_logs
where type like 'task.%' or type like 'user.%'
order by user_id, no
