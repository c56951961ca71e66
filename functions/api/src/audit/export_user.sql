-- One part of an export of the audit trail of one user, oldest entry first.
-- $1 user id, $2 to $7 the filter (the other parameters of `matching_entries`), $8 last number of the part before, or null,
-- $9 last event id of the part before, or null (every position has an id; a number needs none), $10 time when the export
-- began, or null for the first part, $11 maximum number of entries, $12 rate to charge (see `take_rate`), null if it was
-- charged with the first part.
-- Columns: the entries as NDJSON, or null if there are none; the last entry's number and event id if more may follow, else
-- nulls; time when the export began; what `take_rate` returned. Entries recorded after the export began are left out.
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
