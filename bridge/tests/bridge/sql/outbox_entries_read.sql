-- Counts the index entries of the outbox that statements have read, dead ones included.
-- Result: number of entries.
select sum(idx_tup_read)::bigint
from pg_stat_user_indexes
where relname = 'outbox'
