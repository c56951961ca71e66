-- Starts a session.
-- $1 user id, $2 password hash that was verified, $3 SHA-256 of the refresh token in hex, $4 context of the events, $5 hashing
-- slot to release.
-- Columns: the user's role, null if the user does not exist or has another password.
call start_session($1, $2, $3, $4, $5, null)
