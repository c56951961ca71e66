-- Stores a Web Push subscription.
-- $1 user id, $2 endpoint, $3 p256dh, $4 auth, $5 see `admit`.
-- Columns: those of `write_result`.
call subscribe($1, $2, $3, $4, $5, null, null, null, null, null, null)
