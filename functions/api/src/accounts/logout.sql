-- Ends a session.
-- $1 SHA-256 of a refresh token in hex, $2 context of the events, $3 rate limit to charge.
-- Columns: those of `write_result`.
select outcome, version, id, body, replayed, rate from end_session(decode($1::text, 'hex'), $2::text, $3)
