-- The instant of one end of a range of times.
--
-- p_bound  an instant; or a day, which is a date such as 2026-03-01, or a number of days from today with its sign, such as +0
-- p_after  whether the range begins after `p_bound`: a day is then its last microsecond, else its first one
-- p_zone   timezone of the day
--
-- Null for a null `p_bound`.
create or replace function time_bound(p_bound text, p_after boolean, p_zone text) returns timestamptz
language plpgsql stable as $$
declare
    day date;
begin
    if p_bound is null or p_bound like '%T%' then
        return p_bound;
    end if;
    if p_bound ~ '^[+-]' then
        day := (now() at time zone p_zone)::date + p_bound::integer;
    else
        day := p_bound;
    end if;
    if p_after then
        return due_at(json_build_object('date', day), null, p_zone);
    end if;
    return due_at(json_build_object('date', day - 1), null, p_zone) + interval '1 microsecond';
end
$$;
