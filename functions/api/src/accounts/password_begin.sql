select a.address_rate, a.account_rate, a.slot, u.password_hash
from admit_sign_in($2, $3, $4, $5::integer) a left join users u on a.slot is not null and u.id = $1::text::uuid
