-- Inserts a reminder that has fired, whose message by email waits to be sent.
-- $1 user, $2 task.
-- Columns: the delivery.
insert into deliveries (
    id, reminder_id, user_id, task_id, fire_at, channel, is_late, created_at, updated_at, message_id, title, due, next_at)
select m.id, gen_random_uuid(), $1, $2::text::uuid, clock_timestamp(), 'email', false, clock_timestamp(), clock_timestamp(), m.id, 'Call Ada', null,
    clock_timestamp()
from (select gen_random_uuid() as id) m
returning id::text
