-- When the quiet hours end that a moment is in.
--
-- quiet   {"from":"22:00","to":"07:00","mode":…}, on the wall clock of the account; null for none. They may pass midnight
-- zone    timezone of the account
-- moment  the moment
--
-- Returns null if the moment is not in quiet hours.
create or replace function quiet_until(quiet json, zone text, moment timestamptz) returns timestamptz
language plpgsql stable parallel safe as $$
declare
    wall constant timestamp := moment at time zone zone;
    begins constant time := quiet ->> 'from';
    ends constant time := quiet ->> 'to';
begin
    if begins is null or ends is null or begins = ends then
        return null;
    end if;
    if begins < ends and wall::time >= begins and wall::time < ends
        or begins > ends and wall::time < ends then
        return local_instant(wall::date + ends, zone);
    elsif begins > ends and wall::time >= begins then
        return local_instant(wall::date + 1 + ends, zone);
    end if;
    return null;
end
$$;
