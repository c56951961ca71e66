-- The instant of a due date. A day is due at its last microsecond in the user's timezone, which only the database knows.
-- The API has resolved all other due dates.
--
-- due      due date as JSON; null for none
-- instant  instant of the due date as the API has resolved it; null if the due date is a day
-- zone     the user's timezone
create or replace function due_at(due json, instant timestamptz, zone text) returns timestamptz
language plpgsql stable parallel safe as $$
declare
    midnight timestamp;
    moment timestamptz;
begin
    if due is null or instant is not null then
        return instant;
    end if;
    midnight := (due ->> 'date')::date + 1;
    moment := midnight at time zone zone;
    -- If local time passes midnight twice, Postgres takes the second one, but the day ends at the first.
    if (moment - interval '1 hour') at time zone zone = midnight then
        moment := moment - interval '1 hour';
    end if;
    return moment - interval '1 microsecond';
end
$$;
