-- Reads one page of accounts for an admin, newest first (ids begin with the time of creation).
-- $1 email or null for any, $2 role or null for any, $3 key of the cursor or null (always empty: the id alone determines
-- the order), $4 last id of the page before or null, $5 page size, $6 the caller's id, $7 see `admit`.
-- Columns: accounts as a JSON array; an empty key and the last account's id if more accounts follow, else nulls; whether the
-- caller is an admin now; `rate` of `admit`.
call list_users($1, $2, $3, $4, $5, $6, $7, null, null, null, null, null)
