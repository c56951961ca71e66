-- The JSON of a recurrence as it is stored: what the client defines, completed by the members that the server sets.
--
-- definition  what the client defines, as a JSON object. Without `timezone`, that of the due date counts, or else the account's
-- due         the due date of the first occurrence, as JSON
-- zone        the account's timezone
create or replace function stored_recurrence(definition text, due text, zone text) returns json
language plpgsql stable parallel safe as $$
begin
    if definition::json -> 'timezone' is null then
        definition := left(definition, -1) || ',"timezone":' || to_json(coalesce(due::json ->> 'timezone', zone))::text || '}';
    end if;
    return left(definition, -1) || ',"start":' || due || ',"paused_at":null,"resumed_at":null}';
end
$$;
