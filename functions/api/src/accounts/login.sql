select role from login_user($1::text::uuid, decode($2::text, 'hex'), $3::text, $4::text::uuid)
