-- The version of the database schema.
-- No parameters.
-- Columns: number of the newest migration, 0 if none has run.
select coalesce(max(version), 0)::bigint from refinery_schema_history
