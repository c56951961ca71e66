-- A reminder as an item of a client's synchronisation: its JSON with its number.
create or replace function reminder_item(reminder reminders) returns text
language plpgsql stable parallel safe as $$
begin
    return left(reminder_json(reminder), -1) || ',"seq":' || reminder.seq::text || '}';
end
$$;
