-- Counts the dead letters that were replayed or discarded and that the log still has.
-- As arrays of equal length: $1 names of dead-letter topics, $2 partitions, $3 offsets of their oldest records.
-- Result: dead-letter topic, number.
select h.topic, count(*)
from unnest($1::text[], $2::int[], $3::bigint[]) as p (topic, partition, start)
join dead_letters_handled h on h.topic = p.topic and h.partition = p.partition and h."offset" >= p.start
group by h.topic
