-- Inserts a conflict about the title of a task.
-- $1 id of the user, $2 id of the task
-- Result: the id of the conflict
insert into conflicts (id, user_id, task_id, field, theirs, yours)
values (uuid_v7(), $1, $2::text::uuid, 'title', '"Written over"', '"Yours"') returning id
