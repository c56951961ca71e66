-- Reads one page of a user's tasks in every order except by relevance.
-- $1 user id and $2 to $11 the filters, see `matching_tasks`; $12 sort: created_at, updated_at, due_at, priority or title;
-- $13 whether the order is descending, $14 sort key and $15 id of the last row of the page before or null, $16 page size,
-- $17 rate limit to charge.
-- Columns: tasks as a JSON array; sort key and id of the last task if more tasks follow, else nulls; what is left of the
-- rate limit.
--
-- The planner knows the parameters, so it folds every `case` and drops absent filters. One order and one range remain,
-- which the index for that order serves. Tasks without a due date come last in both directions.
with rate as materialized (
    select take_rate($17) as taken
), page as (
    select task, id, key, row_number() over () as place
    from (
        select
            tasks as task,
            id,
            case $12::text
                when 'created_at' then created_at::text
                when 'updated_at' then updated_at::text
                when 'due_at' then
                    case when $13::boolean then coalesce(due_at, '-infinity') else coalesce(due_at, 'infinity') end::text
                when 'priority' then array_position('{low,medium,high,urgent}', priority)::text
                when 'title' then title
            end as key
        from matching_tasks(
            $1::text, $2::text[], $3::text[], $4::text[], $5::text[], $6::text, $7::text, $8::boolean, $9::text, $10::text,
            $11::text[]
        ) tasks
        where coalesce((select taken from rate), '') not like 'wait%'
            and ($14::text is null or case $12::text || case when $13::boolean then '-' else '+' end
            when 'created_at+' then (created_at, id) > ($14::text::timestamptz, $15::text::uuid)
            when 'created_at-' then (created_at, id) < ($14::text::timestamptz, $15::text::uuid)
            when 'updated_at+' then (updated_at, id) > ($14::text::timestamptz, $15::text::uuid)
            when 'updated_at-' then (updated_at, id) < ($14::text::timestamptz, $15::text::uuid)
            when 'due_at+' then (coalesce(due_at, 'infinity'), id) > ($14::text::timestamptz, $15::text::uuid)
            when 'due_at-' then (coalesce(due_at, '-infinity'), id) < ($14::text::timestamptz, $15::text::uuid)
            when 'priority+' then
                (array_position('{low,medium,high,urgent}', priority), id) > ($14::text::integer, $15::text::uuid)
            when 'priority-' then
                (array_position('{low,medium,high,urgent}', priority), id) < ($14::text::integer, $15::text::uuid)
            when 'title+' then (title collate title_order, id) > ($14::text, $15::text::uuid)
            when 'title-' then (title collate title_order, id) < ($14::text, $15::text::uuid)
        end)
        order by
            case when $12::text = 'created_at' and not $13::boolean then created_at end,
            case when $12::text = 'created_at' and $13::boolean then created_at end desc,
            case when $12::text = 'updated_at' and not $13::boolean then updated_at end,
            case when $12::text = 'updated_at' and $13::boolean then updated_at end desc,
            case when $12::text = 'due_at' and not $13::boolean then coalesce(due_at, 'infinity') end,
            case when $12::text = 'due_at' and $13::boolean then coalesce(due_at, '-infinity') end desc,
            case when $12::text = 'priority' and not $13::boolean then array_position('{low,medium,high,urgent}', priority) end,
            case when $12::text = 'priority' and $13::boolean then array_position('{low,medium,high,urgent}', priority) end desc,
            case when $12::text = 'title' and not $13::boolean then title collate title_order end,
            case when $12::text = 'title' and $13::boolean then title collate title_order end desc,
            case when not $13::boolean then id end,
            case when $13::boolean then id end desc
        limit $16::bigint + 1
    ) as found
)
select
    '[' || coalesce(string_agg(task_json(task), ',' order by place) filter (where place <= $16::bigint), '') || ']',
    case when count(*) > $16::bigint then max(key) filter (where place = $16::bigint) end,
    case when count(*) > $16::bigint then max(id::text) filter (where place = $16::bigint) end,
    (select taken from rate)
from page
