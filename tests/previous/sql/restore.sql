-- Restores a deleted task.
-- $1 user id, $2 task id, $3 versions that may be overwritten, such as '{3}', or null for any, $4 context of the
-- events, $5 actor as JSON, $6 Idempotency-Key or null, $7 fingerprint of the request or null, $8 see `admit`.
-- Columns: those of `write_result`.
call restore_task($1, $2, $3, $4, $5, $6, $7, $8, null, null, null, null, null, null)
