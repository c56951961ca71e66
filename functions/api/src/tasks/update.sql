-- Changes a task.
-- $1 user id, $2 task id, $3 versions that may be overwritten, such as '{3}', or null for any, $4 title,
-- $5 description, $6 status, $7 priority, $8 tags (null leaves a field as it is), $9 whether the due date changes,
-- $10 due date as JSON or null, $11 its instant or null, $12 whether only a completed or cancelled task gets the status,
-- $13 context of the events, $14 actor as JSON, $15 Idempotency-Key or null, $16 fingerprint of the request or null, $17
-- rate limit to charge.
-- Columns: those of `write_result`.
select outcome, version, id, body, replayed, rate
from update_task(
    $1::text::uuid, $2::text::uuid, $3::text::bigint[], $4::text, $5::text, $6::text, $7::text, $8::text[],
    $9::boolean, $10::text::json, $11::text::timestamptz, $12::boolean, $13::text, $14::text, $15::text, $16::text, $17)
