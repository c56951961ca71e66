-- A part of everybody's trail, earliest time first, one entry a line: those that pass the filters given, after the entry
-- ($7, $8), up to $10. Only what was recorded by the time $9, or by now, where that is null. Gives the lines, the last one's
-- time and id, and that time; the last one is there if more may follow.
-- $11 is what it costs; last comes what is left.
with rate as materialized (
    select take_rate($11) as taken
), page as (
    select l as entry, l.time, l.event_id
    from audit_logs l
    where coalesce((select taken from rate), '') not like 'wait%'
        and ($1::text is null or l.task_id = $1::text::uuid)
        and ($2::text is null or l.type = $2::text)
        and ($3::text is null or $3::text in (l.actor_id, l.actor_type))
        and ($4::text is null or l.time >= $4::text::timestamptz)
        and ($5::text is null or l.time < $5::text::timestamptz)
        and ($6::text is null or l.correlation_id = $6::text)
        and ($7::text is null or (l.time, l.event_id) > ($7::text::timestamptz, $8::text::uuid))
        and l.recorded_at <= coalesce($9::text::timestamptz, statement_timestamp())
    order by l.time, l.event_id
    limit $10::bigint
)
select
    (select string_agg(audit_line(p.entry), '' order by p.time, p.event_id) from page p),
    rfc3339(last.time),
    last.event_id::text,
    rfc3339(coalesce($9::text::timestamptz, statement_timestamp())),
    (select taken from rate)
from (select) always
left join (select p.time, p.event_id from page p order by p.time desc, p.event_id desc limit 1) last
    on (select count(*) from page) = $10::bigint
