-- Marks notifications as read.
-- $1 user id, $2 ids or null for all, $3 and $4 context and actor of the event, $5 see `admit_write`.
-- Columns: those of `write_result`.
call read_notifications($1, $2, $3, $4, $5, null, null, null, null, null, null)
