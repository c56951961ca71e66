-- Postgres takes these names of timezones for abbreviations, which are fixed offsets. So the days of accounts in Central Europe ended
-- an hour late in summer. The API does not store them any more.
--
-- The days of such an account get the instants that they should have had. Their versions stay, because nothing that a user wrote
-- changes. Deleted tasks get theirs when they are restored.
with canonical (abbreviation, name) as (
    values ('CET', 'Europe/Brussels'), ('MET', 'Europe/Brussels'), ('EET', 'Europe/Athens'), ('WET', 'Europe/Lisbon'),
        ('EST', 'America/Panama'), ('MST', 'America/Phoenix'), ('HST', 'Pacific/Honolulu'), ('GMT', 'UTC'), ('UCT', 'UTC'),
        ('Zulu', 'UTC')
), moved as (
    update users u set timezone = c.name from canonical c where u.timezone = c.abbreviation returning u.id, u.timezone
)
update tasks t set
    due_at = ((t.due ->> 'date')::date + interval '12 hours') at time zone m.timezone + interval '12 hours' - interval '1 microsecond'
from moved m
where t.user_id = m.id and t.deleted_at is null and t.due ->> 'date' is not null;
