-- The instant that a due means. `instant` is what the API has resolved already; it is null where the due is a date. A
-- date lasts until the last microsecond of that day in the user's timezone (`zone`), which the API does not know.
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
    -- Where clocks show midnight twice, Postgres takes the second one; the day ended at the first.
    if (moment - interval '1 hour') at time zone zone = midnight then
        moment := moment - interval '1 hour';
    end if;
    return moment - interval '1 microsecond';
end
$$;
