-- Creates an account.
-- $1 email, $2 password hash, $3 name, $4 timezone, $5 SHA-256 of a refresh token in hex or null, $6 context of the events, $7 hashing
-- slot to release.
-- Columns: those of `write_result`.
select outcome, version, id, body, replayed, rate
from register_user($1::text, $2::text, $3::text, $4::text, $5::text, $6::text, $7::text::uuid)
