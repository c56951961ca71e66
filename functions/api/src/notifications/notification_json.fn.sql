-- A notification as JSON.
create or replace function notification_json(notification notifications) returns text
language plpgsql stable parallel safe as $$
begin
    return '{"id":"' || notification.id::text || '","task_id":"' || notification.task_id::text
        || '","reminder_id":"' || notification.reminder_id::text || '","title":' || to_json(notification.title)::text
        || ',"due":' || coalesce(notification.due::text, 'null')
        || ',"due_at":' || coalesce('"' || rfc3339(notification.due_at) || '"', 'null')
        || ',"late":' || notification.is_late::text || ',"created_at":"' || rfc3339(notification.created_at)
        || '","read_at":' || coalesce('"' || rfc3339(notification.read_at) || '"', 'null') || '}';
end
$$;
