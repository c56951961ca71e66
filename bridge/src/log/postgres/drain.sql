-- Moves outbox rows into the log; see the function.
-- $1 shards, $2 topics whose rows are moved, $3 smallest id, $4 maximum number of rows.
-- Result: number of rows moved (int), largest id among them (null if there are none).
select moved, last_id
from log_drain_from($1, $2, $3, $4)
