-- Exchanges a refresh token for the next one.
-- $1 SHA-256 of the token in hex, $2 SHA-256 of its successor in hex, $3 context of the events, $4 rate limit to
-- charge.
-- Columns: user id and role (nulls if the token is invalid), what is left of the rate limit.
select user_id::text, role, rate from refresh_session(decode($1::text, 'hex'), decode($2::text, 'hex'), $3::text, $4)
