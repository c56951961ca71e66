select max(version)::int8 from refinery_schema_history
