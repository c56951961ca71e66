-- The trail of a task ($1), newest entry first, from below the entry $3 on, up to $5; $2 is the only user whose task it may
-- be, or null. ($4 is that entry's id, which its number makes unnecessary.) Gives the items as JSON; where there are more,
-- the last one's number and id; and whether there is such a task, or was: a tombstone goes one day, and the trail of a task
-- that was made just now has not been written yet.
-- $6 is what it costs; last comes what is left.
with rate as materialized (
    select take_rate($6) as taken
), page as (
    select l as entry, l.no, l.event_id
    from audit_logs l
    where coalesce((select taken from rate), '') not like 'wait%'
        and l.task_id = $1::text::uuid
        and ($2::text is null or l.user_id = $2::text::uuid)
        and ($3::text is null or (l.no < $3::text::bigint and $4::text is not null))
    order by l.no desc
    limit $5::bigint + 1
), shown as (
    select p.* from page p order by p.no desc limit $5::bigint
)
select
    (select coalesce(json_agg(audit_item(s.entry) order by s.no desc), '[]')::text from shown s),
    last.no::text,
    last.event_id::text,
    exists (select from page)
        or exists (select from tasks t where t.id = $1::text::uuid and ($2::text is null or t.user_id = $2::text::uuid))
        or exists (select from audit_logs l
            where l.task_id = $1::text::uuid and ($2::text is null or l.user_id = $2::text::uuid)),
    (select taken from rate)
from (select) always
left join (select s.no, s.event_id from shown s order by s.no limit 1) last
    on (select count(*) from page) > $5::bigint
