-- Creates an account with the password hash of another one.
-- $1 id of the other account, $2 role
-- Result: id of the new account
insert into users (id, email, password_hash, name, timezone, role)
select uuid_v7(), uuid_v7()::text || '@example.org', password_hash, 'Copied account', 'UTC', $2
from users where id = $1
returning id
