-- A page of accounts for an admin ($6), newest first (ids begin with the time): those with the email $1 and the role $2 where
-- given, from below the id $4 on, up to $5. ($3 is the key that cursors of other lists have; an account needs none.) Gives the
-- accounts as JSON; where there are more, the last one's key and id; what is left of the rate $7; and whether $6 is an admin, as
-- of now.
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
