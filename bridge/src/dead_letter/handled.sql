select topic, partition, "offset", event_id, action
from dead_letters_handled
where topic = any ($1)
