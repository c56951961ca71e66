-- Reads one page of a user's tasks.
-- $1 user id and $2 to $11 the filters, see `task_page`; $12 sort, $13 whether the order is descending, $14 sort key and $15 id of the
-- last row of the page before or null, $16 page size, $17 see `admit`.
-- Columns: tasks as a JSON array; sort key and id of the last task if more tasks follow, else nulls; with relevance, the number of
-- matches that were ranked, else null; `rate` of `admit`.
call list_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, null, null, null, null, null)
