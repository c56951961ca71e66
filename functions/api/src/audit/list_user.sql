-- One page of the audit trail of one user, newest entry first.
-- $1 user id, $2 to $7 the filter (the other parameters of `matching_entries`), $8 last number of the page before, or null,
-- $9 last event id of the page before, or null (every cursor has an id; a number needs none), $10 page size, $11 see `admit`.
-- Columns: items as a JSON array; the last item's number and event id if more follow, else nulls; `rate` of `admit`.
call list_trail($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, null, null, null, null)
