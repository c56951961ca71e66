-- The number of task events that the consumer group `audit` has not committed yet.
select coalesce(sum(log_heads.head - coalesce(log_offsets."offset", 0)), 0)::bigint
from log_heads
left join log_offsets
    on log_offsets.topic = log_heads.topic
    and log_offsets.partition = log_heads.partition
    and log_offsets.group_name = 'audit'
where log_heads.topic = 'task-events'
