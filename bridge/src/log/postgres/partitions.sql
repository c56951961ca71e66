-- Lists the partitions of some topics.
-- $1 topics.
-- Result: topic, partition.
select topic, partition
from log_heads
where topic = any ($1)
order by topic, partition
