-- Starts a session.
-- $1 user id, $2 SHA-256 of the refresh token in hex, $3 context of the events, $4 hashing slot to release.
-- Columns: the user's role, null if the user does not exist.
select role from login_user($1::text::uuid, decode($2::text, 'hex'), $3::text, $4::text::uuid)
