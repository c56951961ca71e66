-- Admits a change of a password and reads the password hash to verify.
-- $1 user id, $2 rate limits, $3 name of the process, $4 number of its hashing slots.
-- Columns: what is left of the rate limits, hashing slot (null if none is free), password hash (null if the user does not
-- exist or the change was not admitted).
call begin_password_change($1, $2, $3, $4, null, null, null)
