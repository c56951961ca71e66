-- Inserts tasks of a user with descriptions of 20 kB, whose words differ, and the tag `large`.
-- $1 id of the user, $2 number of tasks
with owner as (
    update users set sync_seq = sync_seq + $2 where id = $1 returning id, sync_seq - $2 as seq
)
insert into tasks (id, user_id, title, description, tags, seq, created_at, updated_at)
select uuid_v7(), owner.id, 'Task ' || n, (select string_agg(md5(n || ' ' || word), ' ') from generate_series(1, 600) word), '{large}',
    owner.seq + n, clock_timestamp(), clock_timestamp()
from owner, generate_series(1, $2::bigint) n
