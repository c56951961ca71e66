-- Removes the due dates of a user's tasks, without events.
-- $1 id of the user
update tasks set due = null, due_at = null where user_id = $1
