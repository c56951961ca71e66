select id, topic, user_id, event_id, event
from outbox
where shard_of(user_id) = any ($1)
order by id
limit $2
