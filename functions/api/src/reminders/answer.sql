-- Snoozes or acknowledges a reminder.
-- $1 user id, $2 reminder id, $3 until when as an instant or a duration, or null to acknowledge it, $4 context of the events, $5 actor as
-- JSON, $6 Idempotency-Key or null, $7 fingerprint of the request or null, $8 see `admit`.
-- Columns: those of `write_result`.
call answer_reminder($1, $2, $3, $4, $5, $6, $7, $8, null, null, null, null, null, null)
