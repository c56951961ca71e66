-- One part of an export of the audit trails of all users, earliest event time first.
-- $1 to $7 the filter (the parameters of `matching_entries`), $8, $9 time and event id of the last entry of the part before,
-- or null, $10 time when the export began, or null for the first part, $11 maximum number of entries, $12 see `admit`.
-- Columns: the entries as NDJSON, or null if there are none; the last entry's time and event id if more may follow, else
-- nulls; time when the export began; `rate` of `admit`. Entries recorded after the export began are left out.
call export_trails($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, null, null, null, null, null)
