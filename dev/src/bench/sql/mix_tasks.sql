-- Inserts a hundred tasks for each user. Their ids are hashes of their numbers, so that a pgbench script can compute them.
insert into tasks (id, user_id, title, description, tags, seq, created_at, updated_at)
select
    md5(u || ' ' || n)::uuid,
    md5(u::text)::uuid,
    (array['Water the plants', 'Call the plumber', 'Prepare the report', 'Plan the week', 'Order books'])[1 + (u + n) % 5] || ' ' || n,
    (array['', 'All of them, the small ones twice.', 'Before the meeting on Monday, with the figures of last month.'])[1 + n % 3],
    (array['home', 'work'])[1 + n % 2 : 1 + n % 2],
    n,
    made,
    made
from generate_series(1, 1000) as u, generate_series(1, 100) as n, lateral (select now() - interval '1 hour' * (101 - n) as made) as times
