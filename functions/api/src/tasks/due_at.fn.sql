-- The instant that a due means. The API has worked it out already, unless the due is a date: that lasts until the last
-- microsecond of its day where the owner is, which only the owner's row knows.
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
    -- Of a midnight that the clocks show twice Postgres takes the second; the day ended at the first.
    if (moment - interval '1 hour') at time zone zone = midnight then
        moment := moment - interval '1 hour';
    end if;
    return moment - interval '1 microsecond';
end
$$;
