-- Changes a task.
-- $1 user id, $2 task id, $3 versions that may be overwritten, such as '{3}', or null for any, $4 title,
-- $5 description, $6 status, $7 priority, $8 tags (null leaves a field as it is), $9 whether the due date changes,
-- $10 due date as JSON or null, $11 its instant or null, $12 whether the recurrence changes, $13 recurrence or null,
-- $14 reminders as JSON or null, $15 scope or null, $16 `reopen`, `skip` or null, $17 read-only members as JSON or null, $18 context of
-- the events, $19 actor as JSON, $20 Idempotency-Key or null, $21 fingerprint of the request or null, $22 see `admit`.
-- Columns: those of `write_result`.
call update_task(
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, null, $17, $18, $19, $20, $21, $22,
    null, null, null, null, null, null)
