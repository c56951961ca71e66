-- Makes an existing account an admin.
-- $1 email, compared without regard to case, $2 context members of the event (JSON text), $3 actor (JSON text).
-- Result: the outcome of the change; null if there is no account with this email.
select promote_user($1::text, $2::text, $3::text)
