-- Reads one outbox row, if it belongs to one of the given shards and topics.
-- $1 shards, $2 topics, $3 id of the row.
-- Result: as read_outbox.sql.
select id, topic, user_id, event_id, event
from outbox
where id = $3 and shard_of(user_id) = any ($1) and topic = any ($2)
