-- One page of a search, ordered by relevance. Words in titles rank before those in descriptions, then tags. Parts of words have
-- a very low weight. Ranking reads every match, so only the newest 1,000 matches are ranked and listed. The other sort orders
-- (`list.sql`) list all matches.
--
-- $1  user
-- $2 to $11  filter: parameters 2 to 11 of `matching_tasks`
-- $12 whether the best match comes first
-- $13, $14  sort key and id of the last row of the page before; null for the first page
-- $15 page size
-- $16 rate limit to charge (see `take_rate`)
-- Result: the tasks as a JSON array; sort key and id of the last task, both null on the last page; result of `take_rate`.
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
    -- The weights are those of parts of words, tags, description and title.
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
