-- Reads one page of what a client has to know and counts the buffers.
-- $1 user id, $2 the number that the client has reached, $3 page size
-- Result: the plan as JSON, with the buffers that the procedure has read.
explain (analyze, buffers, timing off, format json) select pg_temp.sync_once($1, $2, $3)
