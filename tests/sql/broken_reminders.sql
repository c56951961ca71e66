-- Reminders of users that are not as promised: each fires when it is due, once and only for an open task, has a delivery for its channel, and
-- the audit trail says what became of it.
-- $1 user ids
-- Columns: the reminder, when it was to fire, what is wrong
with fired as (
    select task_id, seq, reminder_id, fire_at from (
        select seq, event::jsonb -> 'data' as data from audit_logs where user_id = any ($1) and type = 'reminder.due') entries,
    lateral (select (data #>> '{reminder,id}')::uuid as reminder_id, (data #>> '{reminder,task_id}')::uuid as task_id,
        (data ->> 'fire_at')::timestamptz as fire_at) members
), ended as (
    select (data #>> '{reminder,id}')::uuid as reminder_id, (data ->> 'fire_at')::timestamptz as fire_at, data ->> 'channel' as channel,
        count(*) filter (where type = 'reminder.sent') as sent, count(*) filter (where type = 'reminder.failed') as failed
    from (select type, event::jsonb -> 'data' as data from audit_logs
        where user_id = any ($1) and type in ('reminder.sent', 'reminder.failed')) entries
    group by 1, 2, 3
)
select defined.id, null::timestamptz, 'it is defined, and does not exist'
from (select (jsonb_array_elements(reminders::jsonb) ->> 'id')::uuid as id from tasks
    where user_id = any ($1) and reminders is not null and deleted_at is null) defined
where not exists (select from reminders r where r.id = defined.id)
union all
select id, fires_at, 'it has not fired' from reminders where user_id = any ($1) and fires_at <= clock_timestamp()
union all
select reminder_id, fire_at, 'it fired ' || count(*) || ' times' from fired group by 1, 2 having count(*) > 1
union all
select f.reminder_id, f.fire_at, 'it fired after ' || coalesce(t.type, 'nothing')
from fired f left join lateral (
    select a.type, a.event::jsonb #>> '{data,task,status}' as status from audit_logs a
    where a.task_id = f.task_id and a.type like 'task.%' and a.seq <= f.seq
    order by a.seq desc limit 1) t on true
where t.type is null or t.type = 'task.deleted' or t.status not in ('open', 'in_progress')
union all
select reminder_id, fire_at, 'it has no delivery' from fired f
where not exists (select from deliveries d where d.reminder_id = f.reminder_id and d.fire_at = f.fire_at)
union all
select reminder_id, fire_at, 'its delivery by ' || channel || ' is on no trail' from deliveries d
where user_id = any ($1) and not exists (select from fired f where f.reminder_id = d.reminder_id and f.fire_at = d.fire_at)
union all
select d.reminder_id, d.fire_at, 'its delivery by ' || d.channel || ' is ' || d.status || ', and the trail has it '
    || coalesce(e.sent, 0) || ' times as sent and ' || coalesce(e.failed, 0) || ' times as failed'
from deliveries d left join ended e using (reminder_id, fire_at, channel)
where d.user_id = any ($1) and (d.status = 'pending' and d.next_at <= clock_timestamp()
    or coalesce(e.sent, 0) <> (d.status = 'sent')::int or coalesce(e.failed, 0) <> (d.status = 'failed')::int)
