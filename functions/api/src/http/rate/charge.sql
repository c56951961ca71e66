-- Charges a request that failed before a statement has charged it.
-- $1 rate limit, see `admit`.
-- Columns: what is left of the rate limit.
select charge_rate($1, null)
