-- One account, for an admin.
-- $1 user id, $2 the caller's id, $3 rate to charge.
-- Columns: account as JSON, empty where there is none; two nulls, as no page follows; what is left of the rate; whether
-- the caller is an admin right now.
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
