-- Inserts 40,000 tasks: a tenth belongs to one user, the others to 400 users.
insert into tasks (id, user_id, title, description, status, priority, tags, due, due_at, seq, created_at, updated_at)
select
    uuid_v7(),
    case when n % 10 = 0 then md5('big')::uuid else md5('small ' || n % 400)::uuid end,
    'task ' || left(md5(n::text), 8) || case when n % 4 = 0 then ' common' else '' end || case when n % 20000 = 0 then ' rareword' else '' end,
    case when n % 3 = 0 then 'about ' || md5((n % 500)::text) || ' 植物に水をやる' else '' end,
    (array['open', 'in_progress', 'cancelled'])[1 + n % 3],
    (array['low', 'medium', 'high', 'urgent'])[1 + n % 4],
    case when n % 100 = 0 then array['home', 'rare'] else array['home'] end,
    case when n % 2 = 0 then '{"date":"2026-01-01"}'::json end,
    case when n % 2 = 0 then made + interval '200 days' end,
    n,
    made,
    made
from (select n, now() - interval '400 days' + n * interval '14 minutes' as made from generate_series(1, 40000) n) numbers
