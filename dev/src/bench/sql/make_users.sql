insert into users (id, email, password_hash)
select id, id || '@bench.example', 'none' from (select uuid_v7() as id from generate_series(1, $1::bigint)) made
returning id
