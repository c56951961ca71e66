-- The key of an occurrence: its day, or its start on the wall clock of its series' timezone.
--
-- due     its due date as JSON, as the rule makes it
-- due_at  the instant of the due date
-- zone    timezone of the series
create or replace function occurrence_key(due json, due_at timestamptz, zone text) returns text
language plpgsql stable parallel safe as $$
begin
    return coalesce(
        due ->> 'date',
        case when due -> 'timezone' is not null then due ->> 'datetime' end,
        to_char(due_at at time zone zone, 'YYYY-MM-DD"T"HH24:MI:SS'));
end
$$;
