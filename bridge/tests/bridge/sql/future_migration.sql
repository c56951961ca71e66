-- Records a migration that no bridge knows, as a newer release would.
insert into refinery_schema_history (version, name, applied_on, checksum)
values (999, 'later', '2026-01-01T00:00:00Z', '1')
