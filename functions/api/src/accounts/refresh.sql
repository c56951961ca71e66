-- Exchanges a refresh token for the next one.
-- $1 SHA-256 of the token in hex, $2 SHA-256 of its successor in hex, $3 context of the events, $4, $5 rate limits of the address
-- and of the user, see `admit_session`.
-- Columns: user id and role (nulls if the token is invalid), whether the token is known, what is left of the rate limit.
call refresh_session($1, $2, $3, $4, $5, null, null, null, null)
