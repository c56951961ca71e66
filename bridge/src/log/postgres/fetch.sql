-- Fetches the next records of several partitions.
-- As arrays of equal length: $1 topics, $2 partitions, $3 offsets to start at; of each partition: $4 maximum number of
-- records, $5 bytes of events after which no more are fetched.
-- Result: topic, partition, offset, user id, event id, event (CloudEvents JSON as text), headers (JSON or null), time
-- of append.
select r.topic, r.partition, r."offset", r.user_id, r.event_id, r.event, r.headers, r.appended_at
from unnest($1::text[], $2::int[], $3::bigint[]) as p (topic, partition, next)
cross join lateral (
    select *, sum(octet_length(event)) over (order by "offset" rows unbounded preceding) - octet_length(event) as bytes_before
    from (
        select *
        from log_records l
        where l.topic = p.topic and l.partition = p.partition and l."offset" >= p.next
        order by l."offset"
        limit $4
    ) following
) r
where r.bytes_before < $5
