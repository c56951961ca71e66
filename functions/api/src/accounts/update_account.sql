-- Changes an account.
-- $1 user id, $2 id of the admin who changes it, or null for the user, $3 name, $4 timezone, $5 role (null leaves a
-- field as it is), $6 context of the events, $7 actor as JSON, $8 see `admit`.
-- Columns: those of `write_result`.
call update_account($1, $2, $3, $4, $5, $6, $7, $8, null, null, null, null, null, null)
