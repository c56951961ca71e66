insert into users (id, email, password_hash, name, timezone, role)
select uuid_v7(), uuid_v7()::text || '@example.org', password_hash, 'One of the cast', 'UTC', $2
from users where id = $1
returning id
