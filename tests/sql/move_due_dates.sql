-- Makes the instants of a user's due dates an hour late, as an old rule of a timezone would.
-- $1 user id.
update tasks set due_at = due_at + interval '1 hour' where user_id = $1::text::uuid
