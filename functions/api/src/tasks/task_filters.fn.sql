-- Compiles the filters of a list into SQL. Parameters as those of `task_page`.
--
-- The result is a condition on the columns of `tasks`; null if nothing is filtered. Each value in it is a quoted literal, and absent
-- filters leave no trace, so that the statement is planned in little time.
create or replace function task_filters(
    p_user uuid, p_status text[], p_priority text[], p_tags text[], p_tags_any text[], p_times text[], p_overdue boolean,
    p_has_due boolean, p_series text) returns text
language plpgsql stable as $$
declare
    zone text;
    times timestamptz[];
begin
    -- Most lists have no range of times.
    if array_to_string(p_times, '') <> '' then
        select timezone into zone from users where id = p_user;
        times := array(
            select time_bound(bound, place % 2 = 1, zone) from unnest(p_times) with ordinality as ends (bound, place) order by place);
    end if;
    -- `||` and `concat_ws` leave out conditions whose parameter is null.
    return nullif(concat_ws(' and ',
        'status = any (' || quote_literal(p_status) || ')',
        $sql$array_position('{low,medium,high,urgent}', priority) = any ($sql$ || quote_literal((
            select array_agg(array_position('{low,medium,high,urgent}', name)) from unnest(p_priority) name)) || ')',
        -- The index of keys holds only tasks that have tags.
        $sql$tag_keys <> '{}' and tag_keys @> $sql$ || quote_literal(tag_keys(p_tags)),
        $sql$tag_keys <> '{}' and tag_keys && $sql$ || quote_literal(tag_keys(p_tags_any)),
        $sql$due_at is not null and coalesce(due_at, 'infinity') > $sql$ || quote_literal(times[1]),
        $sql$coalesce(due_at, 'infinity') < $sql$ || quote_literal(times[2]),
        'created_at > ' || quote_literal(times[3]),
        'created_at < ' || quote_literal(times[4]),
        'updated_at > ' || quote_literal(times[5]),
        'updated_at < ' || quote_literal(times[6]),
        $sql$coalesce(completed_at, '-infinity') > $sql$ || quote_literal(times[7]),
        $sql$completed_at is not null and coalesce(completed_at, '-infinity') < $sql$ || quote_literal(times[8]),
        $sql$(coalesce(due_at, 'infinity') < now() and status in ('open', 'in_progress')) = $sql$ || quote_literal(p_overdue),
        '(due_at is not null) = ' || quote_literal(p_has_due),
        'series_id = ' || quote_literal(p_series)), '');
end
$$;
