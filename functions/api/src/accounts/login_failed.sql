-- Emits an event about a wrong password.
-- $1 user id, null for an unknown account, $2 context of the events, $3 hashing slot to release.
-- Columns: whether there is an event.
call refuse_login($1, $2, $3, null)
