-- Reads a series.
-- $1 user id, $2 series id, $3 see `admit`.
-- Columns: the series as JSON, null if there is none, `rate` of `admit`.
call read_series($1, $2, $3, null, null)
