-- Reads the caller's account.
-- $1 user id, $2 rate limit to charge.
-- Columns: account as JSON, what is left of the rate limit. No row if the user does not exist.
select user_json(users), take_rate($2) from users where id = $1::text::uuid
