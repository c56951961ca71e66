-- Gives a user tasks.
-- $1 id of the user, $2 number of tasks
with owner as (
    update users set sync_seq = sync_seq + $2 where id = $1 returning id, sync_seq - $2 as seq
)
insert into tasks (id, user_id, title, description, tags, seq, created_at, updated_at)
select uuid_v7(), owner.id, 'Water plant ' || n, 'As every week, and not too much of it', '{home,garden}', owner.seq + n, clock_timestamp(),
    clock_timestamp()
from owner, generate_series(1, $2) n
