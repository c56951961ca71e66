select user_json(users), take_rate($2) from users where id = $1::text::uuid
