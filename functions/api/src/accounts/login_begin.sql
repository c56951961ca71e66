-- Admits a login and reads the password hash to verify.
-- $1 email, $2 rate limits, $3 name of the process, $4 number of its hashing slots.
-- Columns: what is left of the rate limits, hashing slot (null if none is free), user id and password hash (nulls if
-- there is no such account or the login was not admitted).
call begin_login($1, $2, $3, $4, null, null, null, null)
