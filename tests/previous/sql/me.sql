-- Reads the caller's account.
-- $1 user id, $2 see `admit`.
-- Columns: account as JSON, null if the user does not exist; `rate` of `admit`.
call read_account($1, $2, null, null)
