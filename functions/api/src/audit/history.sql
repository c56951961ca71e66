-- One page of the audit trail of a task, newest entry first. Also works for a task that is deleted.
-- $1 task id, $2 user id that the task must belong to, or null for any user, $3 last number of the page before, or null,
-- $4 last event id of the page before, or null (every cursor has an id; a number needs none), $5 page size, $6 see `admit`.
-- Columns: items as a JSON array; the last item's number and event id if more follow, else nulls; whether the task exists
-- or existed; `rate` of `admit`.
call list_history($1, $2, $3, $4, $5, $6, null, null, null, null, null)
