-- One page of the audit trails of all users, latest event time first.
-- $1 to $7 the filter (the parameters of `matching_entries`), $8, $9 time and event id of the last item of the page before,
-- or null, $10 page size, $11 rate to charge (see `take_rate`).
-- Columns: items as a JSON array; the last item's time and event id if more follow, else nulls; what `take_rate` returned.
with rate as materialized (
    select take_rate($11) as taken
), page as (
    select l as entry, l.time, l.event_id
    from matching_entries($1::text, $2::text, $3::text, $4::text, $5::text, $6::text, $7::text) l
    where coalesce((select taken from rate), '') not like 'wait%'
        and ($8::text is null or (l.time, l.event_id) < ($8::text::timestamptz, $9::text::uuid))
    order by l.time desc, l.event_id desc
    limit $10::bigint + 1
), shown as (
    select p.* from page p order by p.time desc, p.event_id desc limit $10::bigint
)
select
    (select coalesce(json_agg(audit_item(s.entry) order by s.time desc, s.event_id desc), '[]')::text from shown s),
    rfc3339(last.time),
    last.event_id::text,
    (select taken from rate)
from (select) always
left join (select s.time, s.event_id from shown s order by s.time, s.event_id limit 1) last
    on (select count(*) from page) > $10::bigint
