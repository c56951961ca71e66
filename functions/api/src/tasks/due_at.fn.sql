-- The instant of a due date. A day is due at its last microsecond in the user's timezone, which only the database knows.
-- The API has resolved all other due dates. `domain/src/zone.rs` computes the same for a day; a test compares both with the files
-- of the timezone database.
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
    -- If local time passes midnight twice, Postgres takes the second one, but the day ends at the first. That one has the offset
    -- of the noon before.
    moment := (midnight - interval '12 hours') at time zone zone + interval '12 hours';
    if moment at time zone zone <> midnight then
        moment := midnight at time zone zone;
    end if;
    return moment - interval '1 microsecond';
end
$$;
