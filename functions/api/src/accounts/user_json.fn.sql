-- An account as JSON, for clients and events. Never add the password hash: events and the audit trail would contain it.
create or replace function user_json(account users) returns text
language plpgsql stable parallel safe as $$
begin
    return '{"id":"' || account.id::text
        || '","email":' || to_json(account.email)::text
        || ',"name":' || to_json(account.name)::text
        || ',"role":"' || account.role
        || '","timezone":' || to_json(account.timezone)::text
        || ',"reminders":' || coalesce(account.preferences::text,
            '{"channels":["in_app"],"defaults":[],"muted":[],"quiet":null,"time":"09:00"}')
        || ',"created_at":"' || rfc3339(account.created_at)
        || '","updated_at":"' || rfc3339(account.updated_at) || '"}';
end
$$;
