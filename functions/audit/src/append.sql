-- Appends events to the audit trail.
-- $1 JSON array of CloudEvents, as text.
-- Columns: JSON array with one result per event (see `audit_append`), or null if Postgres refused the events; and then the
-- SQLSTATE and the reason.
select results, code, reason from audit_append_frame($1::text)
