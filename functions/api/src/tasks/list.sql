-- Reads one page of a user's tasks.
-- $1 user id and $2 to $13 the filters, see `task_page`; $14 sort, $15 whether the order is descending, $16 sort key and $17 id of the
-- last row of the page before or null, $18 page size, $19 see `admit`.
-- Columns: tasks as a JSON array; sort key and id of the last task if more tasks follow, else nulls; with relevance, the number of
-- matches that were ranked, else null; `rate` of `admit`.
call list_tasks(
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, null, null, null, null, null)
