-- Inserts 200 tasks of 20 kB with the tag `a`.
-- $1 their user
insert into tasks (id, user_id, title, description, tags, seq, created_at, updated_at)
select gen_random_uuid(), $1, 'Heavy', (select string_agg(md5(n || ' ' || word), ' ') from generate_series(1, 600) as word), '{a}', n,
    now(), now()
from generate_series(1, 200) as n
