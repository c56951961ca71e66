-- Removes a Web Push subscription.
-- $1 user id, $2 subscription id, $3 see `admit`.
-- Columns: those of `write_result`.
call unsubscribe($1, $2, $3, null, null, null, null, null, null)
