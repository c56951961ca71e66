-- Inserts tasks of a user, with the tags `many` and `other` and due dates without a time.
-- $1 id of the user, $2 number of tasks
with owner as (
    update users set sync_seq = sync_seq + $2 where id = $1 returning id, sync_seq - $2 as seq
)
insert into tasks (id, user_id, title, tags, due, due_at, seq, created_at, updated_at)
select uuid_v7(), owner.id, 'Task ' || n, '{many,other}', '{"date":"2026-03-01"}', '2026-03-01T23:59:59.999999Z', owner.seq + n,
    clock_timestamp(), clock_timestamp()
from owner, generate_series(1, $2::bigint) n
