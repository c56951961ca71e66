-- What will still change by itself: reminders that fire soon, and series whose next occurrence is to be made. A series that is paused gets
-- none.
-- $1 user ids
-- Columns: the reminder, or the series and its newest task, as text
select 'the reminder ' || to_jsonb(r)::text from reminders r where user_id = any ($1) and fires_at < clock_timestamp() + interval '1 hour'
union all
select 'the series ' || to_jsonb(s)::text || ' with ' || coalesce(to_jsonb(t)::text, 'no task') from series s left join tasks t on t.id = s.current_id
where s.user_id = any ($1) and s.ended_at is null and s.next_at is not null and s.recurrence ->> 'paused_at' is null
