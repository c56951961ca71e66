-- Lists the conflicts of a user.
-- $1 user id, $2 and $3 time and id of the last item of the page before or null, $4 page size, $5 see `admit`.
-- Columns: items as a JSON array, time and id of the last item or null, `rate` of `admit`.
call list_conflicts($1, $2, $3, $4, $5, null, null, null, null)
