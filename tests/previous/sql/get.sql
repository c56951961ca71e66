-- Reads one task of a user.
-- $1 user id, $2 task id, $3 see `admit`.
-- Columns: version (null if there is no such task), task as JSON, `rate` of `admit`.
call get_task($1, $2, $3, null, null, null)
