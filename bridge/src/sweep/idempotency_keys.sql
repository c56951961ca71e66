-- Removes expired idempotency keys.
-- $1 maximum number of rows.
-- Result: number of rows removed (bigint).
select sweep_idempotency_keys($1)
