-- Columns: see `measure_deliveries`.
select channel, due, later, failed, due_age from measure_deliveries()
