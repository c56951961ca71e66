-- The trail of a task ($1), newest entry first, from below the entry $3 on, up to $4; $2 is the only user whose task it may
-- be, or null. Gives the items as JSON; where there are more, the last one's number; and whether there is such a task, or
-- was: a tombstone goes one day, and the trail of a task that was made just now has not been written yet.
with page as (
    select l as entry, l.no
    from audit_logs l
    where l.task_id = $1::text::uuid
        and ($2::text is null or l.user_id = $2::text::uuid)
        and ($3::text is null or l.no < $3::text::bigint)
    order by l.no desc
    limit $4::bigint + 1
), shown as (
    select p.* from page p order by p.no desc limit $4::bigint
)
select
    (select coalesce(json_agg(audit_item(s.entry) order by s.no desc), '[]')::text from shown s),
    case when (select count(*) from page) > $4::bigint then (select min(s.no)::text from shown s) end,
    exists (select from page)
        or exists (select from tasks t where t.id = $1::text::uuid and ($2::text is null or t.user_id = $2::text::uuid))
        or exists (select from audit_logs l
            where l.task_id = $1::text::uuid and ($2::text is null or l.user_id = $2::text::uuid))
