-- A delivery as JSON.
create or replace function delivery_json(delivery deliveries) returns text
language plpgsql stable parallel safe as $$
begin
    return '{"fire_at":"' || rfc3339(delivery.fire_at) || '","channel":"' || delivery.channel
        || '","status":"' || delivery.status || '","attempts":' || delivery.attempts
        || ',"late":' || delivery.is_late::text || ',"error":' || coalesce(to_json(delivery.error)::text, 'null')
        || ',"updated_at":"' || rfc3339(delivery.updated_at) || '"}';
end
$$;
