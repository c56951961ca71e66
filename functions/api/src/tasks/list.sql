-- Reads one page of a user's tasks.
-- $1 user id; $2 to $11 the filters, $12 the sort keys and $13 their directions, see `task_page`; $14 sort keys and $15 id of the last
-- row of the page before or null, $16 page size, $17 whether to count the tasks, $18 see `admit`.
-- Columns: tasks as a JSON array; sort keys and id of the last task if more tasks follow, else nulls; with relevance, the number of
-- matches that were ranked, else null; the number of tasks on all pages, or null; `rate` of `admit`.
call list_tasks(
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, null, null, null, null, null, null)
