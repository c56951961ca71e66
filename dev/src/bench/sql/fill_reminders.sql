-- Inserts 1,000,000 reminders that are not due for years.
insert into reminders (id, user_id, task_id, at, planned_at, fires_at, created_at, updated_at)
select gen_random_uuid(), md5((1 + n % 500)::text)::uuid, gen_random_uuid(), t.at, t.at, t.at, now(), now()
from generate_series(1, 1000000) n, lateral (select now() + interval '10 years' + n * interval '1 second' as at) t
