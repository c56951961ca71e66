-- Reads the due date of a task, for a merge patch of a part of it.
-- $1 user id, $2 task id.
-- Columns: version, due date as JSON or null. No row if there is no such task.
select version, due::text from tasks where id = $2::text::uuid and user_id = $1::text::uuid and deleted_at is null
