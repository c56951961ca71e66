-- Removes the events of completed tasks of a user before they reach the log.
-- $1 id of the user
delete from outbox where user_id = $1 and event::json ->> 'type' = 'task.completed'
