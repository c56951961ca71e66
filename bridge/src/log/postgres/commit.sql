-- Commits offsets of a group. A committed offset never moves back.
-- $1 group; and as arrays of equal length: $2 topics, $3 partitions, $4 offsets of the next record to settle.
insert into log_offsets (group_name, topic, partition, "offset")
select $1, m.topic, m.partition, m.next
from unnest($2::text[], $3::int[], $4::bigint[]) as m (topic, partition, next)
on conflict (group_name, topic, partition) do update
set "offset" = greatest(log_offsets."offset", excluded."offset"), settled_at = clock_timestamp()
