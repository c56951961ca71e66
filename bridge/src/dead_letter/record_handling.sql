-- Records that a dead letter was replayed or discarded, and puts an event about it into the outbox for the audit trail.
-- A dead letter that was handled before is left as it is, and no event is written.
-- The dead letter: $1 dead-letter topic, $2 partition, $3 offset, $4 event id, $5 group.
-- $6 action (`replayed` or `discarded`), $7 operator.
-- The event for the audit trail: $8 user id, $9 event id, $10 event (CloudEvents JSON as text).
with handled as (
    insert into dead_letters_handled (topic, partition, "offset", event_id, group_name, action, actor)
    values ($1, $2, $3, $4, $5, $6, $7)
    on conflict do nothing
    returning event_id
)
insert into outbox (topic, user_id, event_id, event)
select 'account-events', $8::uuid, $9::uuid, $10
from handled
