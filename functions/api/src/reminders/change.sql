-- Adds, changes or removes a reminder.
-- $1 user id, $2 task id or null, $3 reminder id or null for a new one, $4 what changes as JSON or null to remove it, $5 context of the
-- events, $6 actor as JSON, $7 Idempotency-Key or null, $8 fingerprint of the request or null, $9 see `admit`.
-- Columns: those of `write_result`.
call change_reminder($1, $2, $3, $4, $5, $6, $7, $8, $9, null, null, null, null, null, null)
