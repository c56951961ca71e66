-- Reads the due date of a task, for a merge patch of a part of it.
-- $1 user id, $2 task id, $3 see `admit`.
-- Columns: version (null if there is no such task), due date as JSON or null, `rate` of `admit`.
call read_due($1, $2, $3, null, null, null)
