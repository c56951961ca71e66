-- One page of what a client has to know.
-- $1 user id, $2 to $6 the position that the client has reached or nulls, $7 page size, $8 see `admit`.
-- Columns: those of `sync_page`.
call sync_page($1, $2, $3, $4, $5, $6, $7, $8, null, null, null, null, null, null, null, null, null, null)
