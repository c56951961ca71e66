-- Ends a session.
-- $1 SHA-256 of a refresh token in hex, $2 context of the events, $3, $4 rate limits of the address and of the user, see
-- `admit_session`.
-- Columns: whether the token is known, what is left of the rate limit.
call end_session($1, $2, $3, $4, null, null)
