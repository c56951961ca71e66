-- Gives each of these users this many tasks with a reminder that is due, in the inbox and by email.
-- $1 the users, $2 tasks of each user.
with made as (
    insert into tasks (id, user_id, title, description, status, priority, tags, version, seq, created_at, updated_at)
    select gen_random_uuid(), u.id::uuid, 'Task ' || n || ' of ' || u.id, '', 'open', 'medium', '{}', 1, 1, clock_timestamp(), clock_timestamp()
    from unnest($1::text[]) as u (id), generate_series(1, $2::bigint) as n
    returning id, user_id
)
insert into reminders (id, user_id, task_id, at, channels, planned_at, fires_at, created_at, updated_at)
select gen_random_uuid(), user_id, id, clock_timestamp(), '{in_app,email}', clock_timestamp(), clock_timestamp(), clock_timestamp(),
    clock_timestamp()
from made
