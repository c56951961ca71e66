-- Counts the events of a type on the audit trail of a user, and the tasks that they are about.
-- $1 id of the user, $2 type
-- Columns: both numbers (bigint)
select count(*), count(distinct task_id) from audit_logs where user_id = $1 and type = $2
