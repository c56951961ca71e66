-- Does what an agent does on a tick.
-- Columns: how many reminders were handled.
select fire_reminders(500)
