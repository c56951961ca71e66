-- Appends one event to the log and gives it the next offset of its user's partition.
-- $1 topic, $2 user id, $3 event id, $4 event (CloudEvents JSON as text), $5 headers (JSON object of strings, or null).
-- Inserts no row if the topic does not exist.
with place as (
    update log_heads h
    set head = h.head + 1
    from log_topics t
    where t.topic = $1 and h.topic = t.topic
        and h.partition = shard_of($2::uuid) % t.partitions
    returning h.partition, h.head - 1 as "offset"
)
insert into log_records (topic, partition, "offset", user_id, event_id, event, headers)
select $1, partition, "offset", $2::uuid, $3::uuid, $4, $5
from place
