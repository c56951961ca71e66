-- Events that have not reached the log yet.
-- Result: count, one of them
select count(*), min(event) from outbox
