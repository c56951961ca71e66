-- A series as JSON.
--
-- p_series  the series
-- task      its newest occurrence; null if that was purged
create or replace function series_json(p_series series, task tasks) returns text
language plpgsql stable parallel safe as $$
begin
    return '{"id":"' || p_series.id::text
        || '","title":' || to_json(p_series.title)::text
        || ',"description":' || to_json(p_series.description)::text
        || ',"priority":"' || p_series.priority
        || '","tags":' || array_to_json(p_series.tags)::text
        || ',"recurrence":' || p_series.recurrence::text
        || ',"newest":' || case when task.id is null then 'null' else
            '{"task_id":"' || task.id::text || '","occurrence":' || to_json(task.occurrence)::text
            || ',"number":' || task.occurrence_number::text || ',"status":"' || task.status
            || '","due":' || task.due::text || ',"due_at":"' || rfc3339(task.due_at) || '"}' end
        || ',"ended_at":' || coalesce('"' || rfc3339(p_series.ended_at) || '"', 'null')
        || ',"ended_by":' || coalesce('"' || p_series.ended_by || '"', 'null')
        || ',"created_at":"' || rfc3339(p_series.created_at)
        || '","updated_at":"' || rfc3339(p_series.updated_at) || '"}';
end
$$;
