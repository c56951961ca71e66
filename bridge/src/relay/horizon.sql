-- Reads which transactions run now. Those that only read have no id and do not count.
-- Result: id below which every transaction has ended, id that the next transaction gets (both bigint).
select pg_snapshot_xmin(now.taken)::text::bigint, pg_snapshot_xmax(now.taken)::text::bigint
from (select pg_current_snapshot() as taken) now
