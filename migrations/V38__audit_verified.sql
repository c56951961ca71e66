-- Up to which entry, and when, the hash chain of a user was found intact from its first entry on. A long chain is verified in parts,
-- and whoever continues need not begin anew.
create table audit_verified (
    user_id     uuid primary key,
    no          bigint not null,
    verified_at timestamptz not null default clock_timestamp()
);

grant select, insert, update on audit_verified to spindle_api;
grant select on audit_verified to spindle_readonly;
