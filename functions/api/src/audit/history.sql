-- One page of the audit trail of a task, newest entry first. Also works for a task that is deleted.
-- $1 task id, $2 user id that the task must belong to, or null for any user, $3 last number of the page before, or null,
-- $4 last event id of the page before, or null (every cursor has an id; a number needs none), $5 page size, $6 rate to
-- charge (see `take_rate`).
-- Columns: items as a JSON array; the last item's number and event id if more follow, else nulls; whether the task exists
-- or existed; what `take_rate` returned.
-- A task exists or existed if it has a row or an entry. Its row is purged some time after it was deleted, and the first
-- entry of a new task is recorded a moment after the task was created.
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
