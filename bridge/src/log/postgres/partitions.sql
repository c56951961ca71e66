select topic, partition
from log_heads
where topic = any ($1)
order by topic, partition
