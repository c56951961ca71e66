-- Reads due date and recurrence of a task, for a merge patch of a part of them.
-- $1 user id, $2 task id, $3 see `admit`.
-- Columns: version (null if there is no such task), due date as JSON or null, recurrence as JSON or null, number in its series or
-- null, `rate` of `admit`.
call read_schedule($1, $2, $3, null, null, null, null, null)
