-- Completes a task, and tells nobody.
-- $1 the task
update tasks set status = 'completed', completed_at = clock_timestamp() where id = $1::text::uuid
