-- An account as JSON, for its owner, for admins and for its events. Never add the password hash.
create or replace function user_json(account users) returns text
language plpgsql stable parallel safe as $$
begin
    return '{"id":"' || account.id::text
        || '","email":' || to_json(account.email)::text
        || ',"name":' || to_json(account.name)::text
        || ',"role":"' || account.role
        || '","timezone":' || to_json(account.timezone)::text
        || ',"created_at":"' || rfc3339(account.created_at)
        || '","updated_at":"' || rfc3339(account.updated_at) || '"}';
end
$$;
