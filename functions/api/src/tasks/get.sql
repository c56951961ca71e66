-- Reads one task of a user.
-- $1 user id, $2 task id, $3 rate limit to charge.
-- Columns: version (null if there is no such task), task as JSON, what is left of the rate limit.
select version, body, rate from get_task($1::text::uuid, $2::text::uuid, $3)
