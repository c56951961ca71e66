select user_id::text, role, rate from refresh_session(decode($1::text, 'hex'), decode($2::text, 'hex'), $3::text, $4)
