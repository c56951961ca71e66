-- What the agent needs to compute the occurrence after the newest one of a series. `now` is the database's clock, which says what is due
-- of a series that runs by schedule.
--
-- p_series  the series
-- task      its newest occurrence
--
-- Returns JSON.
create or replace function series_state(p_series series, task tasks) returns text
language plpgsql stable parallel safe as $$
begin
    return '{"series_id":"' || p_series.id::text || '","user_id":"' || p_series.user_id::text
        || '","recurrence":' || p_series.recurrence::text
        || ',"after":{"id":"' || task.id::text || '","occurrence":' || to_json(task.occurrence)::text
        || ',"number":' || task.occurrence_number::text
        || ',"at":"' || rfc3339(coalesce(task.completed_at, task.updated_at))
        || '","skipped":' || (task.status = 'cancelled')::text
        || ',"open":' || (task.deleted_at is null and task.status in ('open', 'in_progress'))::text
        || '},"now":"' || rfc3339(clock_timestamp()) || '"}';
end
$$;
