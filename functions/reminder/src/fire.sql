-- Fires the reminders that are due.
-- $1 the most reminders that are looked at.
-- Columns: how many were handled.
select fire_reminders($1)
