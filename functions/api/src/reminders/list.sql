-- Lists the reminders of a task.
-- $1 user id, $2 task id, $3 see `admit`.
-- Columns: the reminders as a JSON array, null if there is no such task, `rate` of `admit`.
call list_reminders($1, $2, $3, null, null)
