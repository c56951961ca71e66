-- One task of its owner.
-- $1 user id, $2 task id, $3 rate to charge.
-- Columns: version (null where there is no such task), task as JSON, what is left of the rate.
select version, body, rate from get_task($1::text::uuid, $2::text::uuid, $3)
