-- Applies what a client has done offline.
-- $1 user id, $2 operations as a JSON array, $3 whether a refused operation rolls back all, $4 the number that the client had reached or null,
-- $5 context of the events, $6 actor as JSON, $7 see `admit`.
-- Columns: those of `write_result`.
call sync_push($1, $2, $3, $4, $5, $6, $7, null, null, null, null, null, null)
