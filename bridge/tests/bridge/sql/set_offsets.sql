-- Sets the offset of a group in every partition of task-events, and when it was committed.
-- $1 group, $2 offset of the next record to settle, $3 age of the commit in days.
insert into log_offsets (group_name, topic, partition, "offset", settled_at)
select $1, topic, partition, $2, clock_timestamp() - make_interval(days => $3)
from log_heads
where topic = 'task-events'
on conflict (group_name, topic, partition) do update
set "offset" = excluded."offset", settled_at = excluded.settled_at
