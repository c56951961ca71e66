-- Inserts 100,000 series that run by schedule and are not due for years.
insert into series (id, user_id, recurrence, title, description, priority, tags, current_id, next_at, created_at, updated_at)
select
    md5('series ' || n)::uuid, md5('many series ' || n % 400)::uuid,
    json_build_object('rule', 'FREQ=DAILY', 'create', 'on_schedule', 'note', repeat(md5(n::text), 8)),
    'Not due', '', 'medium', '{}', md5('current ' || n)::uuid,
    now() + interval '10 years' + n * interval '1 second', now(), now()
from generate_series(1, 100000) n
