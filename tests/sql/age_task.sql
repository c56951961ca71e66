-- Moves the creation of a task ten days into the past.
-- $1  id of the task
update tasks set created_at = created_at - interval '10 days' where id = $1::text::uuid
