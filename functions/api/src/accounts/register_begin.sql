-- Admits a registration.
-- $1 rate limit of the address, $2 rate limit of the account, $3 name of the process, $4 number of its hashing slots.
-- Columns: what is left of the two rate limits, hashing slot (null if none is free).
select address_rate, account_rate, slot from admit_sign_in($1, $2, $3, $4::integer)
