-- Inserts the first user.
insert into users (id, email, password_hash) values (md5('1')::uuid, '1@example.org', '')
