-- Deletes an account.
-- $1 user id, $2 password hash that was verified, $3 hashing slot to release, $4 context of the events, $5 actor as JSON, $6 see
-- `admit`.
-- Columns: those of `write_result`.
call close_account($1, $2, $3, $4, $5, $6, null, null, null, null, null, null)
