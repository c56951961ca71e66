-- One page of the tasks that a search found, the best match first: words in the title before those in the description, those
-- before tags, and whole words before parts of words, which count for next to nothing ({parts, C, B, A}).
-- Ranking reads every match, so of more than 1,000 only the newest 1,000 are ranked and listed: a search that finds more is one
-- to be made narrower, and the other orders list all of it.
-- $1 to $11 the filter · $12 best first · $13, $14 key and id of the row that the page follows · $15 rows wanted · $16 what it
-- costs; last comes what is left.
with rate as materialized (
    select take_rate($16) as taken
), candidates as (
    select id
    from matching_tasks(
        $1::text, $2::text[], $3::text[], $4::text[], $5::text[], $6::text, $7::text, $8::boolean, $9::text, $10::text, $11::text[]
    )
    where coalesce((select taken from rate), '') not like 'wait%'
    order by created_at desc, id desc
    limit 1000
), ranked as (
    select
        tasks as task,
        id,
        (ts_rank('{0.01,0.2,0.4,1}', search, search_query($1::text::uuid, $11::text[], false))
            + coalesce(ts_rank('{0.01,0.2,0.4,1}', search, search_query($1::text::uuid, $11::text[], true)), 0))
        * case when $12::boolean then 1 else -1 end as key
    from tasks
    where id = any (array(select id from candidates))
), page as (
    select task, id, key, row_number() over (order by key desc, id desc) as place
    from ranked
    where $13::text is null or (key, id) < ($13::text::float8, $14::text::uuid)
    order by key desc, id desc
    limit $15::bigint + 1
)
select
    '[' || coalesce(string_agg(task_json(task), ',' order by place) filter (where place <= $15::bigint), '') || ']',
    case when count(*) > $15::bigint then max(key::text) filter (where place = $15::bigint) end,
    case when count(*) > $15::bigint then max(id::text) filter (where place = $15::bigint) end,
    (select taken from rate)
from page
