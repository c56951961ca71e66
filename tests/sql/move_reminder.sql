-- Lets a reminder be due, as if time had passed.
-- $1 reminder id, $2 for how many seconds it has been due.
update reminders set fires_at = clock_timestamp() - $2::float8 * interval '1 second' where id = $1::text::uuid
