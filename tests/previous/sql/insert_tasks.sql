-- Makes 200,000 tasks from the only one there is: 2,000 for each of 100 users, whose ids are the hashes of 1 to 100. Triggers are off in
-- this session.
with owners as (
    insert into users (id, email, password_hash, sync_seq)
    select md5(n::text)::uuid, n || '@example.org', '', 2000 from generate_series(2, 100) n
    returning id
)
insert into tasks (id, user_id, title, tags, tag_keys, words, search, due, due_at, seq, created_at, updated_at)
select uuid_v7(), owner.id, task.title, task.tags, task.tag_keys, task.words, task.search, task.due, task.due_at, n, now(), now()
from tasks task, (select id from owners union all select md5('1')::uuid) owner, generate_series(1, 2000) n
