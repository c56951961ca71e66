-- Lists the occurrences of a series that are tasks.
-- $1 user id, $2 series id, $3 and $4 number and id of the last item of the page before or null, $5 page size, $6 see `admit`.
-- Columns: items as a JSON array, number and id of the last item or null, recurrence of the series or null, when it ended or null,
-- `rate` of `admit`.
call list_occurrences($1, $2, $3, $4, $5, $6, null, null, null, null, null, null)
