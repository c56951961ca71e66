-- Moves outbox rows into the log; see the function.
-- $1 shards, $2 maximum number of rows.
-- Result: number of rows moved (int).
select log_drain($1, $2)
