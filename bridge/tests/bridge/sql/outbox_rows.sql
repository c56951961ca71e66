-- Counts the rows in the outbox.
-- Result: row count (bigint).
select count(*) from outbox
