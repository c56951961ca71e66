-- Inserts 1,200 tasks of a user. Most have the same priority, no due date and no time of completion; of the others, some share these values.
-- Two tasks have the same title.
-- $1 id of the user
with owner as (
    update users set sync_seq = sync_seq + 1200 where id = $1 returning id, sync_seq - 1200 as seq
)
insert into tasks (id, user_id, title, status, priority, due, due_at, seq, created_at, updated_at, completed_at)
select
    uuid_v7(),
    owner.id,
    'Task ' || lpad((n * 7919 % 600)::text, 4, '0') || case when n % 2 = 0 then ' even' else ' odd' end,
    case when n % 37 = 0 then 'completed' else 'open' end,
    case when n % 60 = 0 then 'urgent' when n % 41 = 0 then 'high' when n % 90 = 1 then 'low' else 'medium' end,
    case when n % 40 < 3 then json_build_object('date', date '2099-01-01' + n % 7) end,
    case when n % 40 < 3 then timestamptz '2099-01-02Z' + n % 7 * interval '1 day' - interval '1 microsecond' end,
    owner.seq + n,
    timestamptz '2026-01-01Z' + n % 400 * interval '1 second',
    timestamptz '2026-01-01Z',
    case when n % 37 = 0 then timestamptz '2026-01-02Z' + n % 5 * interval '1 hour' end
from owner, generate_series(1, 1200) n
