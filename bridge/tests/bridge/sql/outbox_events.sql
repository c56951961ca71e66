-- Reads the outbox in the order in which the relay takes it.
-- Result: topic, user id, event (CloudEvents JSON as text).
select topic, user_id, event
from outbox
order by id
