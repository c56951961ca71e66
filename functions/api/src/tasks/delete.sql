-- Deletes a task.
-- $1 user id, $2 task id, $3 versions that may be deleted, such as '{3}', or null for any, $4 context of the events,
-- $5 actor as JSON, $6 rate limit to charge.
-- Columns: those of `write_result`.
select outcome, version, id, body, replayed, rate
from delete_task($1::text::uuid, $2::text::uuid, $3::text::bigint[], $4::text, $5::text, $6)
