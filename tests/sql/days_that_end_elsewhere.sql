-- The days that `due_at` ends at another instant than expected.
-- $1 timezones, $2 dates, $3 the expected instants in microseconds since 1970.
-- Columns: the day, its timezone, and when it ends.
select d.day || ' in ' || d.zone || ': ' || f.ends
from unnest($1::text[], $2::text[], $3::bigint[]) as d (zone, day, micros)
cross join lateral (select due_at(json_build_object('date', d.day), null, d.zone) as ends) f
where f.ends <> timestamptz 'epoch' + d.micros * interval '1 microsecond'
