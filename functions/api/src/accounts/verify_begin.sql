-- Admits a request that proves the password of its caller, and reads the password hash to verify.
-- $1 user id, $2 rate limits, $3 name of the process, $4 number of its hashing slots.
-- Columns: what is left of the rate limits, hashing slot (null if none is free), password hash (null if the user does not
-- exist or the request is not admitted).
call begin_verification($1, $2, $3, $4, null, null, null)
