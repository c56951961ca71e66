-- Deletes an account.
-- $1 user id, $2 context of the events, $3 actor as JSON, $4 see `admit`.
-- Columns: those of `write_result`.
call delete_account($1, $2, $3, $4, null, null, null, null, null, null)
