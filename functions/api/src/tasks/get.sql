-- Reads one task of a user.
-- $1 user id, $2 task id, $3 see `admit`.
-- Columns: version and JSON of the task, or the time of its deletion; nulls if there is no such task; `rate` of `admit`.
call read_task($1, $2, $3, null, null, null, null)
