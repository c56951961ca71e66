-- Marks notifications as read.
-- $1 user id, $2 ids or null for all, $3 see `admit`.
-- Columns: those of `write_result`.
call read_notifications($1, $2, $3, null, null, null, null, null, null)
