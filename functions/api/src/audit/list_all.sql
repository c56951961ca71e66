-- One page of the audit trails of all users, latest event time first.
-- $1 to $7 the filter (the parameters of `matching_entries`), $8, $9 time and event id of the last item of the page before,
-- or null, $10 page size, $11 see `admit`.
-- Columns: items as a JSON array; the last item's time and event id if more follow, else nulls; `rate` of `admit`.
call list_trails($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, null, null, null, null)
