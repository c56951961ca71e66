-- Changes a password.
-- $1 user id, $2 password hash that was verified, $3 new password hash, $4 SHA-256 of the new refresh token in hex,
-- $5 context of the events, $6 hashing slot to release.
-- Columns: the user's role, null if another request has changed the password or the user does not exist.
call replace_password($1, $2, $3, $4, $5, $6, null)
