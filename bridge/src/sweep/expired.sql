-- Removes expired rows of a table.
-- $1 the table, see `sweep_expired`, $2 maximum number of rows.
-- Result: number of rows removed (bigint).
select sweep_expired($1, $2)
