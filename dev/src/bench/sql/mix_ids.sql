-- Returns each user's id with the id of one of the user's tasks. The pgbench script reads the same task.
select md5(n::text)::uuid, md5(n || ' 50')::uuid::text from generate_series(1, 1000) as n
