-- Begins a series whose first occurrence is a task. The caller holds the user's row lock, stores the task, and calls `series_changed`.
--
-- task          the task, with its new due date
-- p_series      id of the series; an existing series is replaced
-- p_definition  what the client defines, see `stored_recurrence`
-- p_zone        the account's timezone
-- p_at          time of the change
--
-- Returns the task with its place in the series.
create or replace function begin_series(task tasks, p_series uuid, p_definition text, p_zone text, p_at timestamptz)
returns tasks
language plpgsql volatile as $$
declare
    is_open constant boolean := task.status in ('open', 'in_progress');
    by_schedule boolean;
begin
    task.series_id := p_series;
    task.recurrence := stored_recurrence(p_definition, task.due::text, p_zone);
    task.occurrence := occurrence_key(task.due, task.due_at, task.recurrence ->> 'timezone');
    task.occurrence_number := 1;
    by_schedule := task.recurrence ->> 'create' is not distinct from 'on_schedule';
    insert into series (
        id, user_id, recurrence, title, description, priority, tags, reminders, current_id, next_at, created_at, updated_at)
        values (p_series, task.user_id, task.recurrence, task.title, task.description, task.priority, task.tags, task.reminders,
            task.id,
            case when by_schedule or not is_open then p_at end, p_at, p_at)
        on conflict (id) do update set
            recurrence = excluded.recurrence, title = excluded.title, description = excluded.description,
            priority = excluded.priority, tags = excluded.tags, reminders = excluded.reminders, next_at = excluded.next_at, updated_at = excluded.updated_at,
            ended_at = null, ended_by = null;
    return task;
end
$$;
