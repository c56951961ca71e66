-- Measures how many records of some topics a group has not settled yet.
-- $1 group, $2 topics.
-- Result: topic, partition, number of records, offset that the next record will get.
select h.topic, h.partition, h.head - coalesce(o."offset", 0) as behind, h.head
from log_heads h
left join log_offsets o on o.group_name = $1 and o.topic = h.topic and o.partition = h.partition
where h.topic = any ($2)
