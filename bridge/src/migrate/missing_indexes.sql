-- The tables that need an index and have none that works: the table itself, or those of its partitions that have none.
-- $1 table, $2 name of the index, which begins with the name of the table.
-- Columns: table or partition, name that its index gets.
select part.name, part.name || substr($2, length($1) + 1)
from (
    select c.oid, c.relname as name
    from pg_class c
    where c.relnamespace = 'public'::regnamespace and (
        (c.relname = $1 and c.relkind = 'r')
        or c.oid in (select tree.relid from pg_partition_tree($1::text::regclass) tree where tree.isleaf))
) part
where not exists (
    select
    from pg_index i
    join pg_class own on own.oid = i.indexrelid
    left join pg_inherits h on h.inhrelid = i.indexrelid
    where i.indrelid = part.oid and i.indisvalid
        and $2 in (own.relname, h.inhparent::regclass::text))
order by part.name
