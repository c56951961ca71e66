-- One part of an export of the audit trails of all users, earliest event time first.
-- $1 to $7 the filter (the parameters of `matching_entries`), $8, $9 time and event id of the last entry of the part before,
-- or null, $10 time when the export began, or null for the first part, $11 maximum number of entries, $12 rate to charge
-- (see `take_rate`), null if it was charged with the first part.
-- Columns: the entries as NDJSON, or null if there are none; the last entry's time and event id if more may follow, else
-- nulls; time when the export began; what `take_rate` returned. Entries recorded after the export began are left out.
with rate as materialized (
    select take_rate($12) as taken
), page as (
    select l as entry, l.time, l.event_id
    from matching_entries($1::text, $2::text, $3::text, $4::text, $5::text, $6::text, $7::text) l
    where coalesce((select taken from rate), '') not like 'wait%'
        and ($8::text is null or (l.time, l.event_id) > ($8::text::timestamptz, $9::text::uuid))
        and l.recorded_at <= coalesce($10::text::timestamptz, statement_timestamp())
    order by l.time, l.event_id
    limit $11::bigint
)
select
    (select string_agg(audit_line(p.entry), '' order by p.time, p.event_id) from page p),
    rfc3339(last.time),
    last.event_id::text,
    rfc3339(coalesce($10::text::timestamptz, statement_timestamp())),
    (select taken from rate)
from (select) always
left join (select p.time, p.event_id from page p order by p.time desc, p.event_id desc limit 1) last
    on (select count(*) from page) = $11::bigint
