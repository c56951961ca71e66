-- Appends events to the audit trail.
-- $1 JSON array of CloudEvents, as text.
-- Columns: JSON array with one result per event (see `audit_append`).
select audit_append($1::text)
