-- Applies a batch of operations on tasks.
-- $1 user id, $2 operations as a JSON array, $3 whether a refused operation rolls back all, $4 context of the
-- events, $5 actor as JSON, $6 Idempotency-Key or null, $7 fingerprint of the request or null, $8
-- rate limit to charge.
-- Columns: those of `write_result`.
select outcome, version, id, body, replayed, rate
from batch_tasks($1::text::uuid, $2::text::json, $3::boolean, $4::text, $5::text, $6::text, $7::text, $8)
