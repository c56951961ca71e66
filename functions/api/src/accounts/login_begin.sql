-- Admits a login and reads the password hash to verify.
-- $1 email, $2 rate limit of the address, $3 rate limit of the account, $4 name of the process, $5 number of its hashing
-- slots.
-- Columns: what is left of the two rate limits, hashing slot (null if none is free), user id and password hash (nulls if
-- there is no such account or the login was not admitted).
select a.address_rate, a.account_rate, a.slot, u.id::text, u.password_hash
from admit_sign_in($2, $3, $4, $5::integer) a left join users u on a.slot is not null and lower(u.email) = lower($1::text)
