-- Records what became of deliveries.
-- $1 the results as JSON, see `record_deliveries`.
select record_deliveries($1)
