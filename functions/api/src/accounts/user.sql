-- Reads one account for an admin.
-- $1 user id, $2 the caller's id, $3 rate limit to charge.
-- Columns: account as JSON, empty if there is none; two nulls, so that the columns are those of users.sql; what is left of
-- the rate limit; whether the caller is an admin now.
with rate as materialized (
    select take_rate($3) as taken
), admin as materialized (
    select (select taken from rate) not like 'wait%'
        and exists (select from users where id = $2::text::uuid and role = 'admin') as truth
)
select
    coalesce((select user_json(u) from users u where (select truth from admin) and u.id = $1::text::uuid), ''),
    null::text,
    null::text,
    (select taken from rate),
    (select truth from admin)
