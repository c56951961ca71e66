-- Queues an event that no function of the API would.
insert into outbox (topic, user_id, event_id, event) values ('task-events', $1, $2, $3)
