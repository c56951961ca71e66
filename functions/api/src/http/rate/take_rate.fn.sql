-- Takes from a rate (the generic cell rate algorithm): `p_rate` is key, quota, seconds in which the quota grows back, and cost.
-- Returns what is left and in how many seconds all of it is back, as '599;t=1'; where there is too little, takes nothing and
-- returns 'wait 2', the seconds after which there is enough. Null for null, for what is counted already.
create or replace function take_rate(p_rate text[]) returns text
language plpgsql strict volatile as $$
declare
    seconds constant double precision := p_rate[3];
    step constant double precision := seconds / p_rate[2]::double precision;
    cost constant double precision := step * p_rate[4]::double precision;
    moment constant double precision := extract(epoch from clock_timestamp());
    full_again double precision;
begin
    insert into rate_limits as r (key, full_at) values (p_rate[1], moment + cost)
        on conflict (key) do update set full_at = greatest(r.full_at, moment) + cost
            where greatest(r.full_at, moment) + cost <= moment + seconds
        returning full_at into full_again;
    if full_again is not null then
        return floor((moment + seconds - full_again) / step + 1e-6)::bigint || ';t=' || ceil(full_again - moment)::bigint;
    end if;
    select full_at into full_again from rate_limits where key = p_rate[1];
    -- The row may have been swept just now: then there is enough again.
    return 'wait ' || ceil(coalesce(full_again + cost - moment - seconds, 0))::bigint;
end
$$;
