with beat as (
    insert into bridges (bridge, class)
    values ($1, $2)
    on conflict (bridge, class) do update set seen_at = clock_timestamp()
)
select bridge
from bridges
where class = $2 and seen_at > clock_timestamp() - interval '4 seconds' and bridge <> $1
