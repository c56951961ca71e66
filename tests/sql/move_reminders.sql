-- Lets all scheduled reminders of a user be due, as if time had passed.
-- $1 user id.
update reminders set fires_at = clock_timestamp() where user_id = $1 and fires_at is not null
