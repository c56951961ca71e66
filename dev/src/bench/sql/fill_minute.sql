-- Gives users tasks with a reminder by email, all of which are due within one minute, from 5 s on.
-- $1 how many.
with made as (
    insert into tasks (id, user_id, title, description, status, priority, tags, version, seq, created_at, updated_at)
    select gen_random_uuid(), u.id, 'Call Ada', '', 'open', 'medium', '{}', 1, 1, now(), now()
    from generate_series(1, $1::bigint) n
    join (select id, row_number() over (order by id) as place, count(*) over () as total from users) u on u.place = 1 + n % u.total
    returning id, user_id
)
insert into reminders (id, user_id, task_id, at, channels, planned_at, fires_at, created_at, updated_at)
select gen_random_uuid(), user_id, id, t.at, '{email}', t.at, t.at, now(), now()
from made, lateral (select now() + interval '5 seconds' + random() * interval '1 minute' + 0 * length(id::text) * interval '1 second' as at) t
