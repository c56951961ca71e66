-- Queues a task event with any content, even one that the API would never write.
-- $1 user id, $2 event id, $3 event as text
insert into outbox (topic, user_id, event_id, event) values ('task-events', $1, $2, $3)
