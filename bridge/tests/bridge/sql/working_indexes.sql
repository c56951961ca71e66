-- Result: how many of the indexes of break_indexes.sql work (bigint)
select count(*)
from pg_index i join pg_class c on c.oid = i.indexrelid
where i.indisvalid and c.relname in ('tasks_deleted', 'tasks_tombstones')
