-- Reads one page of the tags of a user's live tasks, each with the number of tasks that have it, ordered by code point.
-- $1 user id, $2 last tag of the page before or null, $3 id of the cursor or null (always nil: the tag alone determines the
-- order), $4 page size, $5 see `admit`.
-- Columns: items as a JSON array; the last item's tag and a nil id if more tags follow, else nulls; `rate` of `admit`.
call list_tag_counts($1, $2, $3, $4, $5, null, null, null, null)
