-- Creates the next occurrences of series, each after an occurrence that is completed or skipped. They may belong to many users. Each
-- has a result of its own.
--
-- p_items    a JSON array of objects, whose members are the columns of the record set below:
--            series_id, after  the series, and the occurrence after which the next one comes
--            recurrence  that of the series, from which the next occurrence was computed
--            id, occurrence, number, due, instant  the next occurrence: its id, its key, its number in the series, its due date as
--                JSON, and the instant of it (null for a day); all null if there is none
--            look_at  when to look for the one after it, of a series that runs by schedule. Null of a series that runs by
--                completion, or if there is none: without an occurrence, the series has ended
--            context  envelope members that come from the request, as JSON without its braces
-- p_actor    the actor of the events, as JSON
--
-- Returns a JSON array with a result for each item: its place in `p_items`, from 1, and
--     made · exists (`task_id` is the occurrence) · waiting (until `look_at`) · ended · skipped (the task is open again, the series is paused or has ended) ·
--     missing (no such series) · changed (`state` is what the series is now, see `series_state`)
create or replace procedure create_occurrences(p_items text, p_actor text, out body text)
language plpgsql as $$
declare
    item record;
    done record;
    results text[] := '{}';
begin
    -- Ordered by user, so that two requests lock the users in the same order.
    for item in
        select i.*, s.user_id
        from rows from (json_to_recordset(p_items::json) as (
            series_id uuid, after uuid, recurrence json, id uuid, occurrence text, number bigint, due json,
            instant timestamptz, look_at timestamptz, context text)) with ordinality
            as i (series_id, after, recurrence, id, occurrence, number, due, instant, look_at, context, place)
        left join series s on s.id = i.series_id
        order by s.user_id, i.place
    loop
        select * into done from create_occurrence(
            item.user_id, item.series_id, item.after, item.recurrence, item.id, item.occurrence, item.number, item.due,
            item.instant, item.look_at, item.context, p_actor);
        results[item.place] := '{"series_id":"' || item.series_id::text || '","outcome":"' || done.result
            || '","task_id":' || coalesce('"' || done.task_id::text || '"', 'null')
            || ',"state":' || coalesce(done.state, 'null') || '}';
    end loop;
    body := '[' || array_to_string(results, ',') || ']';
end
$$;
