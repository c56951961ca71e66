-- Lets the reminders of a task be due, and its deliveries that wait for another attempt. What an agent sends now stays claimed, for two minutes.
-- $1 the task.
with fired as (
    update reminders set fires_at = clock_timestamp() where task_id = $1::text::uuid and state = 'scheduled' and fires_at > clock_timestamp()
)
update deliveries set next_at = clock_timestamp()
    where task_id = $1::text::uuid and status = 'pending' and attempts > 0 and error is not null
        and next_at <> updated_at + interval '2 minutes'
