-- Reads outbox rows of the given shards, oldest first. It takes no row locks: the leases of the shards protect the
-- rows.
-- $1 shards, $2 maximum number of rows.
-- Result: id, topic, user id, event id, event (CloudEvents JSON as text).
select id, topic, user_id, event_id, event
from outbox
where shard_of(user_id) = any ($1)
order by id
limit $2
