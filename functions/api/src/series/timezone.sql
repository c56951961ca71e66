-- Reads the timezone of an account.
-- $1 user id, $2 see `admit`.
-- Columns: the timezone, null if there is no such user, `rate` of `admit`.
call read_timezone($1, $2, null, null)
