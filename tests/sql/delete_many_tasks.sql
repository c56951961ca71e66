-- Deletes the tasks of insert_many_tasks.sql.
delete from tasks where user_id = md5('big')::uuid or user_id in (select md5('small ' || n)::uuid from generate_series(0, 399) n)
