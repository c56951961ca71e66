-- Reads one page of accounts for an admin, newest first (ids begin with the time of creation).
-- $1 email or null for any, $2 role or null for any, $3 key of the cursor or null (always empty: the id alone determines
-- the order), $4 last id of the page before or null, $5 page size, $6 the caller's id, $7 rate limit to charge.
-- Columns: accounts as a JSON array; an empty key and the last account's id if more accounts follow, else nulls; what is
-- left of the rate limit; whether the caller is an admin now.
with rate as materialized (
    select take_rate($7) as taken
), admin as materialized (
    select (select taken from rate) not like 'wait%'
        and exists (select from users where id = $6::text::uuid and role = 'admin') as truth
), page as (
    select u.id, user_json(u) as shown, row_number() over (order by u.id desc) as place
    from users u
    where (select truth from admin)
        and ($1::text is null or lower(u.email) = lower($1::text))
        and ($2::text is null or u.role = $2::text)
        and ($4::text is null or (u.id < $4::text::uuid and $3::text is not null))
    order by u.id desc
    limit $5::bigint + 1
)
select
    '[' || coalesce(string_agg(shown, ',' order by place) filter (where place <= $5::bigint), '') || ']',
    case when count(*) > $5::bigint then '' end,
    case when count(*) > $5::bigint then max(id::text) filter (where place = $5::bigint) end,
    (select taken from rate),
    (select truth from admin)
from page
