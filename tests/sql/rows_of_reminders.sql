-- Counts what reminders have left of a user.
-- $1 user id.
-- Columns: reminders, deliveries, notifications.
select
    (select count(*) from reminders where user_id = $1),
    (select count(*) from deliveries where user_id = $1),
    (select count(*) from notifications where user_id = $1)
