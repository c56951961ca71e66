-- Claims series whose next occurrence is missing.
-- $1 the most series that are claimed
-- Columns: the series as a JSON array. It is the OUT parameter of the procedure, which needs a placeholder in a CALL.
call claim_series($1::bigint, null)
