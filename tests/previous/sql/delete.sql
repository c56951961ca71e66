-- Deletes a task.
-- $1 user id, $2 task id, $3 versions that may be deleted, such as '{3}', or null for any, $4 context of the events,
-- $5 actor as JSON, $6 see `admit`.
-- Columns: those of `write_result`.
call delete_task($1, $2, $3, $4, $5, $6, null, null, null, null, null, null)
