-- Charges a rate limit with the generic cell rate algorithm (GCRA).
--
-- p_rate  an array of: key, quota, seconds in which the whole quota is restored, cost of this request; null charges
--         nothing and returns null, for requests that were charged before
--
-- Returns what is left and the seconds until the whole quota is restored, such as '599;t=1'. If too little is left, it
-- charges nothing and returns the seconds until enough is left, such as 'wait 2'.
create or replace function take_rate(p_rate text[]) returns text
language plpgsql strict volatile as $$
declare
    seconds constant double precision := p_rate[3];
    step constant double precision := seconds / p_rate[2]::double precision;
    cost constant double precision := step * p_rate[4]::double precision;
    moment constant double precision := extract(epoch from clock_timestamp());
    -- No charge leads beyond `seconds` from its own moment, which may be a little later than this one. A time after that is
    -- from before the clock was stepped back, and would lock its user out for as long as the step was.
    latest constant double precision := moment + seconds + 60;
    full_again double precision;
begin
    insert into rate_limits as r (key, full_at) values (p_rate[1], moment + cost)
        on conflict (key) do update
            set full_at = case when r.full_at <= latest then greatest(r.full_at, moment) else moment end + cost
            where case when r.full_at <= latest then greatest(r.full_at, moment) else moment end + cost <= moment + seconds
        returning full_at into full_again;
    if full_again is not null then
        return floor((moment + seconds - full_again) / step + 1e-6)::bigint || ';t=' || ceil(full_again - moment)::bigint;
    end if;
    select full_at into full_again from rate_limits where key = p_rate[1];
    -- The sweep may have just deleted the row; then the whole quota is left.
    return 'wait ' || ceil(coalesce(full_again + cost - moment - seconds, 0))::bigint;
end
$$;
