-- Creates an account.
-- $1 email, $2 password hash, $3 name, $4 timezone, $5 context of the events, $6 hashing slot to release.
-- Columns: those of `write_result`.
select outcome, version, id, body, replayed, rate
from register_user($1::text, $2::text, $3::text, $4::text, $5::text, $6::text::uuid)
