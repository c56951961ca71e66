-- Inserts users. Their ids are hashes of their numbers, so that a pgbench script can compute them.
-- $1 number of users
-- Returns each user's id.
insert into users (id, email, password_hash)
select id, id || '@bench.example', 'none' from (select md5(n::text)::uuid as id from generate_series(1, $1::bigint) n) made
returning id
