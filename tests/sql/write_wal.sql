-- Writes 4 MB into the write-ahead log, and nothing else.
-- Result: count of messages
select count(pg_logical_emit_message(false, 'filler', repeat('x', 1000000)))
from generate_series(1, 4)
