-- The API is ready only on a schema at least as new as its code, so its role may read how far migrations have come.
grant select on refinery_schema_history to spindle_api;
