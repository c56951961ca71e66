-- Puts events of one user on one topic into the outbox, in the order of the arrays.
-- $1 topic, $2 user id, $3 event ids, $4 events (CloudEvents JSON as text, one for each id).
insert into outbox (topic, user_id, event_id, event)
select $1, $2, e.id, e.event
from unnest($3::uuid[], $4::text[]) with ordinality e (id, event, n)
order by n
