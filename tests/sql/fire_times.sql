-- Computes when reminders fire.
-- $1 leads, $2 due dates as JSON, $3 their instants, $4 timezones of the accounts. A day is due at 09:00.
-- Columns: the instants.
select fire_time(r.lead::interval, null, r.due::json, r.due_at::timestamptz, r.zone, '09:00')
from unnest($1::text[], $2::text[], $3::text[], $4::text[]) with ordinality as r (lead, due, due_at, zone, place) order by r.place
