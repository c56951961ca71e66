select role from change_password($1::text::uuid, $2::text, $3::text, decode($4::text, 'hex'), $5::text, $6::text::uuid)
