-- Records that a bridge is alive and lists the others that are: those whose heartbeat is less than 4 s old.
-- $1 bridge id, $2 class of leases.
-- Result: id of each other bridge that is alive.
with heartbeat as (
    insert into bridges (bridge, class)
    values ($1, $2)
    on conflict (bridge, class) do update set seen_at = clock_timestamp()
)
select bridge
from bridges
where class = $2 and seen_at > clock_timestamp() - interval '4 seconds' and bridge <> $1
