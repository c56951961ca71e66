-- Changes an account.
-- $1 user id, $2 id of the admin who changes it, or null for the user, $3 name, $4 timezone, $5 role (null leaves a field as it
-- is), $6 preferences that were read, $7 new ones (null leaves them as they are), $8 context of the events, $9 actor as JSON,
-- $10 see `admit`.
-- Columns: those of `write_result`.
call update_account($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, null, null, null, null, null, null)
