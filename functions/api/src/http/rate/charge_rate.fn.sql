-- Charges a rate limit with the generic cell rate algorithm (GCRA).
--
-- p_rate  an array, see `admit`
-- p_rows  null charges the cost of the request. A number charges as many rows that the request is about to change, also if too
--         little is left: the caller then has a debt, which ends after at most the seconds of the quota.
--
-- Returns what is left and the seconds until the whole quota is restored, such as '599;t=1'. If too little is left for the
-- request, it charges nothing and returns the seconds until enough is left, such as 'wait 2'.
--
-- The clock is read after the row is locked: requests that had to wait for the row would otherwise be compared with charges
-- that were made after their reading.
create or replace function charge_rate(p_rate text[], p_rows bigint) returns text
language plpgsql volatile as $$
declare
    quota constant bigint := p_rate[2];
    seconds constant double precision := p_rate[3];
    step constant double precision := seconds / quota;
    cost constant double precision := step * coalesce(p_rows, p_rate[4]::bigint);
    moment double precision;
    full_again double precision;
begin
    if p_rows is null then
        insert into rate_limits as r (key, full_at) values (p_rate[1], extract(epoch from clock_timestamp()) + cost)
            on conflict (key) do update
                set full_at = greatest(r.full_at, extract(epoch from clock_timestamp())) + cost
                where r.full_at + cost <= extract(epoch from clock_timestamp()) + seconds or cost = 0
            returning full_at into full_again;
    else
        update rate_limits r
            set full_at = greatest(r.full_at, least(
                greatest(r.full_at, extract(epoch from clock_timestamp())) + cost,
                extract(epoch from clock_timestamp()) + 2 * seconds))
            where key = p_rate[1]
            returning full_at into full_again;
    end if;
    moment := extract(epoch from clock_timestamp());
    if full_again is null then
        select full_at into full_again from rate_limits where key = p_rate[1];
        if full_again <= moment + 2 * seconds + 60 then
            return 'wait ' || greatest(ceil(full_again + cost - moment - seconds), 1)::bigint;
        end if;
        -- No debt is that large. The row is from before the clock was stepped back, and would lock its user out for as long as
        -- the step was. Or the sweep has just deleted the row, because the whole quota is left.
        full_again := moment + least(cost, 2 * seconds);
        insert into rate_limits as r (key, full_at) values (p_rate[1], full_again)
            on conflict (key) do update set full_at = excluded.full_at;
    end if;
    -- A debt leaves nothing. The clock has moved on since the charge, but no more than the quota can be left.
    return least(quota, greatest(0, floor((moment + seconds - full_again) / step + 1e-6)))::bigint
        || ';t=' || greatest(ceil(full_again - moment), 0)::bigint;
end
$$;
