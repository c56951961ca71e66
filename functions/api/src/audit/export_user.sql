-- A part of one user's trail ($1), oldest entry first, one a line: those that pass the filters given, after the entry $8, up
-- to $11. ($9 is that entry's id, which its number makes unnecessary.) Only what was recorded by the time $10, or by now,
-- where that is null. Gives the lines, the last one's number and id, and that time; a number is there if more may follow.
-- $12 is what it costs; last comes what is left.
with rate as materialized (
    select take_rate($12) as taken
), page as (
    select l as entry, l.no, l.event_id
    from matching_entries($1::text, $2::text, $3::text, $4::text, $5::text, $6::text, $7::text) l
    where coalesce((select taken from rate), '') not like 'wait%'
        and ($8::text is null or (l.no > $8::text::bigint and $9::text is not null))
        and l.recorded_at <= coalesce($10::text::timestamptz, statement_timestamp())
    order by l.no
    limit $11::bigint
)
select
    (select string_agg(audit_line(p.entry), '' order by p.no) from page p),
    last.no::text,
    last.event_id::text,
    rfc3339(coalesce($10::text::timestamptz, statement_timestamp())),
    (select taken from rate)
from (select) always
left join (select p.no, p.event_id from page p order by p.no desc limit 1) last
    on (select count(*) from page) = $11::bigint
