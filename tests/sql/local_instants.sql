-- Computes the instants of local times.
-- $1 timezones, $2 the local times in them.
-- Columns: the instants.
select local_instant(w.wall::timestamp, w.zone) from unnest($1::text[], $2::text[]) with ordinality as w (zone, wall, place) order by w.place
