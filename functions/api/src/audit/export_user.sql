-- One part of an export of the audit trail of one user, oldest entry first.
-- $1 user id, $2 to $7 the filter (the other parameters of `matching_entries`), $8 last number of the part before, or null,
-- $9 last event id of the part before, or null (every position has an id; a number needs none), $10 time when the export
-- began, or null for the first part, $11 maximum number of entries, $12 see `admit`.
-- Columns: the entries as NDJSON, or null if there are none; the last entry's number and event id if more may follow, else
-- nulls; time when the export began; `rate` of `admit`. Entries recorded after the export began are left out.
call export_trail($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, null, null, null, null, null)
