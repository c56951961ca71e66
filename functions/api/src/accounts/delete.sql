-- Deletes an account.
-- $1 user id, $2 password hash that was verified, $3 hashing slot to release, $4 context of the events, $5 actor as JSON.
-- Columns: those of `write_result`.
select outcome, version, id, body, replayed, rate
from close_account($1::text::uuid, $2::text, $3::text::uuid, $4::text, $5::text)
