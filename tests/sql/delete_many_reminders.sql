-- Deletes the reminders of `insert_many_reminders.sql`.
delete from reminders where user_id = any (array(select md5(n::text)::uuid from generate_series(0, 999) as n))
