-- The first user, and the row in the middle of that user's tasks: its id and its key in each order.
select
    user_id::text, id::text, created_at::text, updated_at::text, coalesce(due_at, 'infinity')::text,
    array_position('{low,medium,high,urgent}', priority)::text, title
from tasks
where user_id = md5('1')::uuid and due_at is not null
order by created_at
offset (select count(*) / 6 from tasks where user_id = md5('1')::uuid)
limit 1
