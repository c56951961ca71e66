-- The outbox.
-- Columns: topic, user id, event id, event as JSON text.
select topic, user_id, event_id::text, event from outbox order by id
