-- Deletes an account.
-- $1 user id, $2 context of the events, $3 actor as JSON, $4 rate limit to charge.
-- Columns: those of `write_result`.
select outcome, version, id, body, replayed, rate from delete_account($1::text::uuid, $2::text, $3::text, $4)
