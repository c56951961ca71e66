-- Lists the notifications of a user.
-- $1 user id, $2 whether only unread ones, $3 and $4 time and id of the last item of the page before or null, $5 page size, $6 see `admit`.
-- Columns: items as a JSON array, time and id of the last item or null, number of unread ones, `rate` of `admit`.
call list_notifications($1, $2, $3, $4, $5, $6, null, null, null, null, null)
