-- Reads where the partitions of some topics start and end.
-- $1 topics.
-- Result: topic, partition, offset of the oldest record (the next offset if there is none), offset that the next record will
-- get.
select h.topic, h.partition, coalesce(oldest."offset", h.head) as start, h.head
from log_heads h
left join lateral (
    select r."offset"
    from log_records r
    where r.topic = h.topic and r.partition = h.partition
    order by r."offset"
    limit 1
) oldest on true
where h.topic = any ($1)
