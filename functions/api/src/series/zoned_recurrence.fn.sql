-- The recurrence of a series of days in another timezone of the account. It edits the text, because `jsonb_set` would change the order
-- of the members. `timezone` occurs once, because days have none.
--
-- recurrence  the stored recurrence
-- zone        the account's timezone
create or replace function zoned_recurrence(recurrence json, zone text) returns json
language plpgsql stable parallel safe as $$
begin
    return regexp_replace(recurrence::text, '"timezone":"[^"]*"', '"timezone":' || to_json(zone)::text);
end
$$;
