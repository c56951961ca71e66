select r.topic, r.partition, r."offset", r.user_id, r.event_id, r.event, r.headers, r.appended_at
from unnest($1::text[], $2::int[], $3::bigint[]) as p (topic, partition, next)
cross join lateral (
    select *
    from log_records l
    where l.topic = p.topic and l.partition = p.partition and l."offset" >= p.next
    order by l."offset"
    limit $4
) r
