-- Reads one page of the tags of a user's live tasks, each with the number of tasks that have it, ordered by code point.
-- $1 user id, $2 last tag of the page before or null, $3 id of the cursor or null (always nil: the tag alone determines the
-- order), $4 page size, $5 rate limit to charge.
-- Columns: items as a JSON array; the last item's tag and a nil id if more tags follow, else nulls; what is left of the
-- rate limit.
with rate as materialized (
    select take_rate($5) as taken
), page as (
    select tag, count(*) as tasks, row_number() over (order by tag collate "C") as place
    from tasks cross join unnest(tags) tag
    where coalesce((select taken from rate), '') not like 'wait%'
        and user_id = $1::text::uuid
        and deleted_at is null
        and ($2::text is null or (tag collate "C" > $2::text and $3::text is not null))
    group by tag
    order by tag collate "C"
    limit $4::bigint + 1
)
select
    '[' || coalesce(string_agg('{"tag":' || to_json(tag)::text || ',"count":' || tasks || '}', ',' order by place)
        filter (where place <= $4::bigint), '') || ']',
    case when count(*) > $4::bigint then max(tag) filter (where place = $4::bigint) end,
    case when count(*) > $4::bigint then '00000000-0000-0000-0000-000000000000' end,
    (select taken from rate)
from page
