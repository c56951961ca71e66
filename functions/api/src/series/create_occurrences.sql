-- Creates the next occurrences of series.
-- $1 the occurrences as a JSON array, $2 actor as JSON
-- Columns: the results as a JSON array. It is the OUT parameter of the procedure, which needs a placeholder in a CALL.
call create_occurrences($1, $2, null)
