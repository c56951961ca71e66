-- One page of the tags of a user's live tasks ($1), each with the number of tasks that have it, by code points: those after
-- the tag $2, up to $4. ($3 is the id that cursors of other lists have; a tag needs none.) Gives the items as JSON and, where
-- there are more, the last one's tag and that id.
-- $5 is what it costs; last comes what is left.
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
