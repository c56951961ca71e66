select address_rate, account_rate, slot from admit_sign_in($1, $2, $3, $4::integer)
