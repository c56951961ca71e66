-- Restores a deleted task.
-- $1 user id, $2 task id, $3 versions that may be overwritten, such as '{3}', or null for any, $4 context of the
-- events, $5 actor as JSON, $6 Idempotency-Key or null, $7 fingerprint of the request or null, $8 rate limit to charge.
-- Columns: those of `write_result`.
select outcome, version, id, body, replayed, rate
from restore_task($1::text::uuid, $2::text::uuid, $3::text::bigint[], $4::text, $5::text, $6::text, $7::text, $8)
