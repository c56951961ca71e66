-- Result: version of the newest migration that was applied; null if none was.
select max(version)::int8 from refinery_schema_history
