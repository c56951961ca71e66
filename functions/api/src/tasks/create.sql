-- Creates a task.
-- $1 user id, $2 task id or null, $3 title, $4 description, $5 status, $6 priority, $7 tags, $8 due date as JSON or null,
-- $9 its instant or null, $10 recurrence or null, $11 reminders as JSON or null, $12 context of the events, $13 actor as
-- JSON, $14 Idempotency-Key or null, $15 fingerprint of the request or null, $16 see `admit`.
-- Columns: those of `write_result`. They are the OUT parameters of the procedure, which need placeholders in a CALL.
call create_task(
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
    null, null, null, null, null, null)
