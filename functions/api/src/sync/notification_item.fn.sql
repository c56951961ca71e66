-- A notification as an item of a client's synchronisation: its JSON with its number.
create or replace function notification_item(notification notifications) returns text
language plpgsql stable parallel safe as $$
begin
    return left(notification_json(notification), -1) || ',"seq":' || notification.seq::text || '}';
end
$$;
