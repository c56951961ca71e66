-- A part of everybody's trail, earliest time first, one entry a line: those that pass the filters given, after the entry
-- ($8, $9), up to $11. Only what was recorded by the time $10, or by now, where that is null. Gives the lines, the last one's
-- time and id, and that time; the last one is there if more may follow.
-- $12 is what it costs; last comes what is left.
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
