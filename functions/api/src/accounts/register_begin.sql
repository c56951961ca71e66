-- Admits a registration.
-- $1 rate limits, $2 name of the process, $3 number of its hashing slots.
-- Columns: what is left of the rate limits, hashing slot (null if none is free).
call begin_sign_in($1, $2, $3, null, null)
