-- Sequence numbers of users and of their task events.
-- $1 user ids
-- Result: user id, last sequence number, count of task events, count of distinct numbers of task events from 1 to the last
select users.id, users.sync_seq, count(audit_logs.seq),
    count(distinct audit_logs.seq) filter (where audit_logs.seq between 1 and users.sync_seq)
from users
left join audit_logs on audit_logs.user_id = users.id and audit_logs.type like 'task.%'
where users.id = any($1)
group by users.id, users.sync_seq
