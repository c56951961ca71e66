-- The account $1 for an admin ($2), as JSON, empty where there is none; two nulls, as nothing follows; what is left of the rate
-- $3; and whether $2 is an admin, as of now.
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
