-- Deletes a task.
-- $1 user id, $2 task id, $3 versions that may be deleted, such as '{3}', or null for any, $4 scope or null, $5 context of the
-- events, $6 actor as JSON, $7 see `admit`.
-- Columns: those of `write_result`.
call delete_task($1, $2, $3, $4, $5, $6, $7, null, null, null, null, null, null)
