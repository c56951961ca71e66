-- When a reminder fires. Days count on the calendar of the due date's timezone; hours, minutes and seconds are exact. A day counts from
-- a time of day that the account sets.
--
-- lead    how long before the due date; null if `at` is the time
-- at      when it fires
-- due     due date of the task as JSON; null for none
-- due_at  its instant
-- zone    timezone of the account
-- begins  time of day from which a day counts
--
-- Returns null if the task has no due date and the reminder needs one.
create or replace function fire_time(lead interval, at timestamptz, due json, due_at timestamptz, zone text, begins time)
returns timestamptz
language plpgsql stable parallel safe as $$
declare
    days constant interval := make_interval(days => extract(day from lead)::integer);
    due_zone constant text := coalesce(due ->> 'timezone', zone);
    is_day constant boolean := due -> 'date' is not null;
begin
    if lead is null or due is null then
        return at;
    end if;
    if days = interval '0' and not is_day then
        return due_at - lead;
    end if;
    return local_instant(
        case
            when is_day then (due ->> 'date')::date + begins
            -- The wall time that was asked for, also where the clock skips it on that day.
            when due ->> 'timezone' is not null then (due ->> 'datetime')::timestamp
            else due_at at time zone due_zone
        end - days, due_zone)
        - (lead - days);
end
$$;
