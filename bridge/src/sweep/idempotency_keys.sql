select sweep_idempotency_keys($1)
