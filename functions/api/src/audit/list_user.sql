-- One page of the audit trail of one user, newest entry first.
-- $1 user id, $2 to $7 the filter (the other parameters of `matching_entries`), $8 last number of the page before, or null,
-- $9 last event id of the page before, or null (every cursor has an id; a number needs none), $10 page size, $11 rate to
-- charge (see `take_rate`).
-- Columns: items as a JSON array; the last item's number and event id if more follow, else nulls; what `take_rate` returned.
with rate as materialized (
    select take_rate($11) as taken
), page as (
    select l as entry, l.no, l.event_id
    from matching_entries($1::text, $2::text, $3::text, $4::text, $5::text, $6::text, $7::text) l
    where coalesce((select taken from rate), '') not like 'wait%'
        and ($8::text is null or (l.no < $8::text::bigint and $9::text is not null))
    order by l.no desc
    limit $10::bigint + 1
), shown as (
    select p.* from page p order by p.no desc limit $10::bigint
)
select
    (select coalesce(json_agg(audit_item(s.entry) order by s.no desc), '[]')::text from shown s),
    last.no::text,
    last.event_id::text,
    (select taken from rate)
from (select) always
left join (select s.no, s.event_id from shown s order by s.no limit 1) last
    on (select count(*) from page) > $10::bigint
