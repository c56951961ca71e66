-- Lists the dead letters of some topics that were replayed or discarded.
-- $1 names of dead-letter topics.
-- Result: dead-letter topic, partition and offset there, event id, action (`replayed` or `discarded`).
select topic, partition, "offset", event_id, action
from dead_letters_handled
where topic = any ($1)
