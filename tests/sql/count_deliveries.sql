-- Columns: rows, those that are sent, different pairs of reminder and channel, notifications, reminders that are still due.
select count(*), count(*) filter (where status = 'sent'), count(distinct (reminder_id, channel)),
    (select count(*) from notifications), (select count(*) from reminders where fires_at is not null)
from deliveries
