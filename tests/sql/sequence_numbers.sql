-- Sequence numbers of users, and the events that have them.
-- $1 user ids
-- Result: user id, last sequence number, count of task events on the trail, count of their distinct numbers from 1 to the last, and
-- likewise of the events for clients; null if the log is not in Postgres
select users.id, users.sync_seq, tasks.events, tasks.numbers, updates.events, updates.numbers
from users
left join lateral (
    select count(*) as events, count(distinct seq) filter (where seq between 1 and users.sync_seq) as numbers
    from audit_logs where user_id = users.id and type like 'task.%') tasks on true
left join lateral (
    select count(distinct event_id) as events, count(distinct seq) filter (where seq between 1 and users.sync_seq) as numbers
    from (
        select event_id, (event::json ->> 'seq')::bigint as seq
        from log_records where topic like '%task-updates' and user_id = users.id) u
) updates on exists (select from log_records)
where users.id = any($1)
