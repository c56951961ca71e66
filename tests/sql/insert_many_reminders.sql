-- Inserts 100,000 reminders that are due in many years, of 1,000 users.
insert into reminders (id, user_id, task_id, at, planned_at, fires_at, created_at, updated_at)
select gen_random_uuid(), md5((n % 1000)::text)::uuid, gen_random_uuid(), t.at, t.at, t.at, clock_timestamp(), clock_timestamp()
from generate_series(1, 100000) as n, lateral (select timestamptz '2090-01-01' + n * interval '1 minute' as at) t
