-- A page of accounts for an admin ($1), newest first (ids begin with the time): those with the email $2 and the role $3 where
-- given, before the id $4, up to $5; or the one account $6. Gives the rate; whether the caller is an admin, as of now; the
-- accounts as JSON; and, where there are more, the last one's id.
with rate as materialized (
    select take_rate($7) as rate
), page as (
    select u.id, user_json(u) as shown, row_number() over (order by u.id desc) as place
    from users u
    where (select rate from rate) not like 'wait%'
        and exists (select from users where id = $1::text::uuid and role = 'admin')
        and ($2::text is null or lower(u.email) = lower($2::text))
        and ($3::text is null or u.role = $3::text)
        and ($4::text is null or u.id < $4::text::uuid)
        and ($6::text is null or u.id = $6::text::uuid)
    order by u.id desc
    limit $5::bigint + 1
)
select
    (select rate from rate),
    exists (select from users where id = $1::text::uuid and role = 'admin'),
    (select coalesce(string_agg(shown, ',' order by place) filter (where place <= $5::bigint), '') from page),
    (select p.id::text from page p where p.place = $5::bigint and (select count(*) from page) > $5::bigint)
