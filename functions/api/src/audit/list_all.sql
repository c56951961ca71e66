-- Everybody's trail, latest time first: those that pass the filters given, from below the entry ($7, $8) on, up to $9.
-- Gives the items as JSON and, where there are more, the last one's time and id.
-- $10 is what it costs; last comes what is left.
with rate as materialized (
    select take_rate($10) as taken
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
        and ($7::text is null or (l.time, l.event_id) < ($7::text::timestamptz, $8::text::uuid))
    order by l.time desc, l.event_id desc
    limit $9::bigint + 1
), shown as (
    select p.* from page p order by p.time desc, p.event_id desc limit $9::bigint
)
select
    (select coalesce(json_agg(audit_item(s.entry) order by s.time desc, s.event_id desc), '[]')::text from shown s),
    rfc3339(last.time),
    last.event_id::text,
    (select taken from rate)
from (select) always
left join (select s.time, s.event_id from shown s order by s.time, s.event_id limit 1) last
    on (select count(*) from page) > $9::bigint
