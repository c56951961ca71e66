-- These people's last numbers, their task events, and how many numbers up to the last those have.
select users.id, users.sync_seq, count(audit_logs.seq),
    count(distinct audit_logs.seq) filter (where audit_logs.seq between 1 and users.sync_seq)
from users
left join audit_logs on audit_logs.user_id = users.id and audit_logs.type like 'task.%'
where users.id = any($1)
group by users.id, users.sync_seq
