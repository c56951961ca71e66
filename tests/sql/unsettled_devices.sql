-- What will still change by itself: reminders that fire soon, and series whose next occurrence is to be made. A series that is paused gets
-- none.
-- $1 user ids
-- Result: count
select (select count(*) from reminders where user_id = any ($1) and fires_at < clock_timestamp() + interval '1 hour')
    + (select count(*) from series
        where user_id = any ($1) and ended_at is null and next_at is not null and recurrence ->> 'paused_at' is null)
