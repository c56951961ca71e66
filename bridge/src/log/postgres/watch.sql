-- Counts the records that were ever appended to the log.
-- Result: number of records.
select coalesce(sum(head), 0)::int8
from log_heads
