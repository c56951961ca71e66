select id, topic, user_id, event_id, event
from outbox
where shard = any ($1)
order by id
limit $2
