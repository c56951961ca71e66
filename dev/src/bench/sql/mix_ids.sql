-- A task of each user, the one that pgbench asks for too.
select md5(n::text)::uuid, md5(n || ' 50')::uuid::text from generate_series(1, 1000) as n
