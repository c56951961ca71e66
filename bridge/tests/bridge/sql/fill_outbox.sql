-- Fills the outbox with rows of as many users.
-- $1 number of rows.
insert into outbox (topic, user_id, event_id, event)
select 'task-events', gen_random_uuid(), gen_random_uuid(), '{}'
from generate_series(1, $1::bigint)
