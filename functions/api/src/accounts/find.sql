select id::text, password_hash from users where lower(email) = lower($1::text)
