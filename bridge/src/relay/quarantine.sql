-- Moves an outbox row into quarantine.
-- $1 id of the row, $2 why the log refuses it.
with taken as (
    delete from outbox
    where id = $1
    returning id, topic, user_id, event_id, event, queued_at
)
insert into outbox_quarantine (id, topic, user_id, event_id, event, queued_at, reason)
select id, topic, user_id, event_id, event, queued_at, $2
from taken
