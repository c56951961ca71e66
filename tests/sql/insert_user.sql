-- Inserts an account that nobody can sign in to.
-- Result: its id
insert into users (id, email, password_hash, timezone) values (uuid_v7(), gen_random_uuid() || '@example.org', '', 'UTC') returning id
