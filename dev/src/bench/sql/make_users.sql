-- Their ids follow from their numbers, so that pgbench knows them without asking.
insert into users (id, email, password_hash)
select id, id || '@bench.example', 'none' from (select md5(n::text)::uuid as id from generate_series(1, $1::bigint) n) made
returning id
