-- Inserts an account that nobody can sign in to.
-- Result: its id
insert into users (email, password_hash, timezone) values (gen_random_uuid() || '@example.org', '', 'UTC') returning id
