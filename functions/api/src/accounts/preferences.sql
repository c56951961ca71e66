-- Reads the preferences of reminders of an account.
-- $1 user id, $2 see `admit`.
-- Columns: the preferences as JSON or null, `rate` of `admit`.
call read_preferences($1, $2, null, null)
