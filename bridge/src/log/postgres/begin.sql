-- Reads where a group begins in some partitions. A group that is new in a partition begins at the oldest record, or after the
-- newest. Its offset is recorded at once, because the sweep removes only records below every recorded offset.
-- $1 group; as arrays of equal length: $2 topics, $3 partitions; $4 true if a new group begins after the newest record.
-- Result: topic, partition, offset of the oldest record (the next offset if there is none), offset of the next record to
-- settle.
with starts as (
    select h.topic, h.partition, coalesce(oldest."offset", h.head) as start,
        case when $4 then h.head else coalesce(oldest."offset", h.head) end as start_if_new
    from unnest($2::text[], $3::int[]) as w (topic, partition)
    join log_heads h on h.topic = w.topic and h.partition = w.partition
    left join lateral (
        select r."offset"
        from log_records r
        where r.topic = h.topic and r.partition = h.partition
        order by r."offset"
        limit 1
    ) oldest on true
), begun as (
    insert into log_offsets (group_name, topic, partition, "offset")
    select $1, s.topic, s.partition, s.start_if_new
    from starts s
    on conflict do nothing
)
select s.topic, s.partition, s.start, coalesce(o."offset", s.start_if_new)
from starts s
left join log_offsets o on o.group_name = $1 and o.topic = s.topic and o.partition = s.partition
