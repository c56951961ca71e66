-- Puts rows in quarantine back at the end of the outbox.
-- $1 event id, or null for all rows.
-- Result: event id of each row.
with taken as (
    delete from outbox_quarantine
    where $1::uuid is null or event_id = $1
    returning id, topic, user_id, event_id, event, queued_at
)
insert into outbox (topic, user_id, event_id, event, queued_at)
select topic, user_id, event_id, event, queued_at
from taken
order by id
returning event_id
