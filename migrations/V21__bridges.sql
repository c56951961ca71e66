-- Which bridges are alive, for each kind of work they share: a fair share is the number of leases divided by these rows.
-- The leases themselves are session advisory locks; nothing here can outlive its bridge and be believed.
create unlogged table bridges (
    bridge  uuid not null,
    class   text not null,
    seen_at timestamptz not null default clock_timestamp(),
    primary key (bridge, class)
) with (fillfactor = 10);

grant select, insert, update, delete on bridges to spindle_bridge;
grant select on bridges to spindle_readonly;
