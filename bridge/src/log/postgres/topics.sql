-- Lists all topics.
-- Result: topic, number of partitions, number of records ever appended.
select t.topic, t.partitions, coalesce(sum(h.head), 0)::int8 as records
from log_topics t
left join log_heads h using (topic)
group by t.topic, t.partitions
order by t.topic
