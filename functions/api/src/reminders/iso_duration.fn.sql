-- An interval of days, hours, minutes and seconds as an ISO 8601 duration, such as P1DT2H30M. Days and hours stay apart.
create or replace function iso_duration(length interval) returns text
language plpgsql immutable strict parallel safe as $$
declare
    -- The days do not count as seconds.
    seconds constant bigint := extract(epoch from length - make_interval(days => extract(day from length)::integer));
    clock constant text := concat(
        nullif(seconds / 3600, 0) || 'H', nullif(seconds / 60 % 60, 0) || 'M', nullif(seconds % 60, 0) || 'S');
    days constant text := nullif(extract(day from length)::bigint, 0) || 'D';
begin
    if clock = '' and days is null then
        return 'PT0S';
    end if;
    return concat('P', days, case when clock <> '' then 'T' || clock end);
end
$$;
