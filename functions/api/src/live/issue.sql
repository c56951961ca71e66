-- Stores a ticket for a live connection.
-- $1 user id, $2 hash of the ticket in hex, $3 origin or null, $4 end of the access token in seconds since 1970, $5 see `admit`.
-- Columns: those of `write_result`.
call issue_live_ticket($1, $2, $3, $4, $5, null, null, null, null, null, null)
