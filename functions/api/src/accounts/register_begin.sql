-- Admits a registration.
-- $1 rate of the address, $2 rate of the account, $3 instance, $4 number of its hashing slots.
-- Columns: what is left of the rates of the address and of the account, hashing slot (null where none is free).
select address_rate, account_rate, slot from admit_sign_in($1, $2, $3, $4::integer)
