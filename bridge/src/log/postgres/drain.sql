-- Moves outbox rows into the log; see the function.
-- $1 shards, $2 topics whose rows are moved, $3 smallest id, $4 maximum number of rows, $5 bytes of events after which no more
-- rows are moved.
-- Result: number of rows moved (int), largest id among them (null if there are none), true if a limit was reached.
select moved, last_id, cut_off
from log_drain_batch($1, $2, $3, $4, $5)
