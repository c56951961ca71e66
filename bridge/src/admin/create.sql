-- Creates an account that is an admin; see the function.
-- $1 email, $2 password hash (PHC string), $3 display name, $4 context members of the events (JSON text), $5 actor
-- (JSON text).
-- Result: true if the account was created, false if the email is taken.
select make_admin($1::text, $2::text, $3::text, $4::text, $5::text)
