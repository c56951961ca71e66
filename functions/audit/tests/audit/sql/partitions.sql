-- The tables of the audit trail: the parent and all partitions.
-- Columns: name.
select relid::text from pg_partition_tree('audit_logs')
