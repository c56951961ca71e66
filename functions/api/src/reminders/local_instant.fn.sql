-- The instant of a wall-clock time. A time in a gap becomes the first instant after the gap. Of a time that occurs twice, the first
-- counts. `domain/src/zone.rs` computes the same; tests compare them.
--
-- wall  local date and time
-- zone  timezone
create or replace function local_instant(wall timestamp, zone text) returns timestamptz
language plpgsql stable parallel safe as $$
declare
    moment constant timestamptz := wall at time zone zone;
    gap constant interval := moment at time zone zone - wall;
begin
    if gap <> interval '0' then
        -- Postgres applies the offset before the gap, so the end of the gap is less than the length of the gap away.
        return (
            select min(m) from generate_series(date_trunc('minute', moment - greatest(gap, -gap)), moment, interval '30 seconds') as m
            where m at time zone zone >= wall);
    end if;
    -- Postgres takes the second of two instants. These are all the steps back since 1970.
    return (
        select min(moment - earlier) from unnest('{0,20m,30m,1h,90m,2h,3h,7h}'::interval[]) as earlier
        where (moment - earlier) at time zone zone = wall);
end
$$;
