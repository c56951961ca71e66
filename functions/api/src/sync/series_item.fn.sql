-- A series as an item of a client's synchronisation: JSON of its own members alone. What its newest occurrence is follows from the tasks.
create or replace function series_item(p_series series) returns text
language plpgsql stable parallel safe as $$
begin
    return '{"id":"' || p_series.id::text
        || '","title":' || to_json(p_series.title)::text
        || ',"description":' || to_json(p_series.description)::text
        || ',"priority":"' || p_series.priority
        || '","tags":' || array_to_json(p_series.tags)::text
        || ',"recurrence":' || p_series.recurrence::text
        || ',"ended_at":' || coalesce('"' || rfc3339(p_series.ended_at) || '"', 'null')
        || ',"ended_by":' || coalesce('"' || p_series.ended_by || '"', 'null')
        || ',"created_at":"' || rfc3339(p_series.created_at)
        || '","updated_at":"' || rfc3339(p_series.updated_at)
        || '","seq":' || p_series.seq::text || '}';
end
$$;
