select user_json(users) from users where id = $1::text::uuid
