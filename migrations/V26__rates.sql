-- Rates and admissions: who asks how often, and how many passwords are hashed at once. Both tables are unlogged: what a crash
-- forgets is a minute's patience, and a read that counts itself must not wait for the disk.
--
-- The generic cell rate algorithm (GCRA) in one column: when the bucket of `key` will be full again, in seconds since 1970.
create unlogged table rate_limits (
    key     text primary key,
    full_at double precision not null
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.2, autovacuum_vacuum_cost_delay = 0);

-- One row for each password that is being hashed by a process of the API; a process that dies leaves its rows to expire.
create unlogged table hashes_running (
    slot     uuid primary key,
    instance text not null,
    until    timestamptz not null
) with (fillfactor = 50);

create index hashes_running_instance on hashes_running (instance);

grant select, insert, update on rate_limits to spindle_api;
grant select, insert, delete on hashes_running to spindle_api;
grant select, delete on rate_limits to spindle_bridge;

-- Few accounts have a role, and an admin lists them.
create index users_role on users (role, id) where role <> 'user';
