-- Null where there is no such account.
select max(changed.status)
from users u
cross join lateral update_account(u.id, null, null, null, 'admin', $2::text, $3::text, null) changed
where lower(u.email) = lower($1::text)
