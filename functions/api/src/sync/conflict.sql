-- Reads a conflict.
-- $1 user id, $2 conflict id, $3 see `admit`.
-- Columns: the conflict as JSON or null, `rate` of `admit`.
call read_conflict($1, $2, $3, null, null)
