-- Inserts tasks as an older release has written them, without words and keys of tags. Triggers are off in this session.
insert into tasks (id, user_id, title, tags, seq, created_at, updated_at, search)
select uuid_v7(), md5('1')::uuid, 'task ' || n, '{Old}', n, now(), now(), ''
from generate_series(1, 450) n
