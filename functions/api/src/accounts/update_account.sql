select status, body, rate
from update_account($1::text::uuid, $2::text::uuid, $3::text, $4::text, $5::text, $6::text, $7::text, $8)
