-- Claims series and counts the buffers.
-- Result: the plan as JSON, with the buffers that the procedure has read.
explain (analyze, buffers, timing off, format json) select pg_temp.claim_once()
