-- Admits a change of a password and reads the password hash to verify.
-- $1 user id, $2 rate of the address, $3 rate of the account, $4 instance, $5 number of its hashing slots.
-- Columns: what is left of the rates of the address and of the account, hashing slot (null where none is free),
-- password hash (null where the user is gone or the change was not admitted).
select a.address_rate, a.account_rate, a.slot, u.password_hash
from admit_sign_in($2, $3, $4, $5::integer) a left join users u on a.slot is not null and u.id = $1::text::uuid
