-- Copies a user to accounts with the same password: `user` accounts, and one `admin`.
-- $1 email of the user to copy, $2 number of `user` accounts
-- Returns id, email and role; the admin comes last.
insert into users (id, email, password_hash, role)
select uuid_v7(), 'fuzz-' || n || '@example.org', password_hash, case when n > $2::bigint then 'admin' else 'user' end
from users cross join generate_series(1, $2::bigint + 1) n
where email = $1
returning id, email, role
