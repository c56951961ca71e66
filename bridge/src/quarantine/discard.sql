-- Removes rows in quarantine for good.
-- $1 event id, or null for all rows.
-- Result: event id of each row.
delete from outbox_quarantine
where $1::uuid is null or event_id = $1
returning event_id
