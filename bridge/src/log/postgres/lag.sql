select h.topic, h.partition, h.head - coalesce(o."offset", 0) as behind, h.head
from log_heads h
left join log_offsets o on o.group_name = $1 and o.topic = h.topic and o.partition = h.partition
where h.topic = any ($2)
