-- Records that a bridge is alive and reads the heartbeats of the others.
-- $1 bridge id, $2 class of leases.
-- Result: id of each other bridge, time of its last heartbeat, and whether that is less than 4 s ago. The time moves with
-- the clock of the database, so the caller decides by whether it changes.
with heartbeat as (
    insert into bridges (bridge, class)
    values ($1, $2)
    on conflict (bridge, class) do update set seen_at = clock_timestamp()
)
select bridge, seen_at, seen_at > clock_timestamp() - interval '4 seconds' as recent
from bridges
where class = $2 and bridge <> $1
