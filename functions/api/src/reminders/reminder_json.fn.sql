-- A reminder as JSON, for clients and events.
create or replace function reminder_json(reminder reminders) returns text
language plpgsql stable parallel safe as $$
begin
    return '{"id":"' || reminder.id::text
        || '","task_id":"' || reminder.task_id::text
        || '","before":' || case when reminder.lead > interval '0' then '"' || iso_duration(reminder.lead) || '"' else 'null' end
        || ',"at":' || coalesce('"' || rfc3339(reminder.at) || '"', 'null')
        || ',"on":' || case when reminder.lead = interval '0' then '"due"' else 'null' end
        || ',"channels":' || coalesce(array_to_json(reminder.channels)::text, 'null')
        || ',"repeat":' || coalesce('"' || iso_duration(reminder.every) || '"', 'null')
        || ',"state":"' || reminder.state
        || '","fires_at":' || coalesce('"' || rfc3339(reminder.fires_at) || '"', 'null')
        || ',"snoozed_until":' || coalesce('"' || rfc3339(reminder.snoozed_until) || '"', 'null') || '}';
end
$$;
