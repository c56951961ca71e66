-- Changes an account.
-- $1 user id, $2 id of the admin who changes it, or null for the user, $3 name, $4 timezone, $5 role (null leaves a
-- field as it is), $6 context of the events, $7 actor as JSON, $8 rate limit to charge.
-- Columns: those of `write_result`.
select outcome, version, id, body, replayed, rate
from update_account($1::text::uuid, $2::text::uuid, $3::text, $4::text, $5::text, $6::text, $7::text, $8)
