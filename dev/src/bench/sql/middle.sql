-- Finds a task in the middle of the first user's tasks, to measure pages from there.
-- Returns the user's id, the task's id, and the task's key in each sort order: created_at, updated_at, due_at, priority, title.
select
    user_id::text, id::text, created_at::text, updated_at::text, coalesce(due_at, 'infinity')::text,
    array_position('{low,medium,high,urgent}', priority)::text, title
from tasks
where user_id = md5('1')::uuid and due_at is not null
order by created_at
offset (select count(*) / 6 from tasks where user_id = md5('1')::uuid)
limit 1
