-- Ends a series, unless it has ended, and emits `series.ended`. Its occurrences stay as they are. The caller holds the user's row
-- lock.
--
-- p_series   the series
-- p_by       why it ends: rule · edit · split · deletion
-- p_at       time of the change
-- p_context  envelope members that come from the request, as JSON without its braces
-- p_actor    the actor of the event, as JSON
create or replace function end_series(p_series uuid, p_by text, p_at timestamptz, p_context text, p_actor text) returns void
language plpgsql volatile as $$
declare
    ended series;
    number bigint;
    event_id constant uuid := uuid_v7();
begin
    update series set ended_at = p_at, ended_by = p_by, next_at = null, updated_at = p_at
        where id = p_series and ended_at is null
        returning * into ended;
    if not found then
        return;
    end if;
    number := series_changed(p_series, p_context, p_actor);
    insert into outbox (topic, user_id, event_id, event) values ('task-events', ended.user_id, event_id,
        '{"specversion":"1.0","source":"/spindle/api","subject":"' || p_series::text
            || '","time":"' || rfc3339(p_at)
            || '","datacontenttype":"application/json","userid":"' || ended.user_id::text
            || '","seq":' || number::text || ',' || p_context
            || ',"data":{"series":{"id":"' || p_series::text || '","title":' || to_json(ended.title)::text
            || ',"recurrence":' || ended.recurrence::text || ',"ended_at":"' || rfc3339(p_at)
            || '","ended_by":"' || p_by || '"},"actor":' || p_actor
            || '},"type":"series.ended","id":"' || event_id::text || '"}');
end
$$;
