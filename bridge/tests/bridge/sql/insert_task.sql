-- Inserts a task.
insert into tasks (id, user_id, title, seq, created_at, updated_at)
values (gen_random_uuid(), gen_random_uuid(), 'Written meanwhile', 1, clock_timestamp(), clock_timestamp())
