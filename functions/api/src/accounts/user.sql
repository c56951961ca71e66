-- Reads one account for an admin.
-- $1 user id, $2 the caller's id, $3 see `admit`.
-- Columns: account as JSON, null if there is none; two nulls, so that the columns are those of users.sql; whether the caller is
-- an admin now; `rate` of `admit`.
call read_user($1, $2, $3, null, null, null, null, null)
