-- The caller's account.
-- $1 user id, $2 rate to charge.
-- Columns: account as JSON, what is left of the rate. No row where the user is gone.
select user_json(users), take_rate($2) from users where id = $1::text::uuid
