-- Sets the reminders of a task. `schedule_reminders` schedules them, and removes those that are left out. It also gives a number to those
-- that are new or have another definition, which have the number 0 until then. The caller holds the user's row lock, and stores the task.
--
-- task           the task
-- p_definitions  a JSON array of objects with the members `id`, `before`, `at`, `on`, `channels` and `repeat`. A reminder of the task is
--                kept if its `id` is there. Others get a new id
-- p_at           time of the change
--
-- Returns the task with its copy of the definitions.
create or replace function set_reminders(task tasks, p_definitions json, p_at timestamptz) returns tasks
language plpgsql volatile as $$
declare
    item json;
    kept uuid[] := '{}';
    definitions text[] := '{}';
    reminder reminders;
begin
    for item in select value from json_array_elements(p_definitions) loop
        select * into reminder from reminders where id = (item ->> 'id')::uuid and task_id = task.id and id <> all (kept);
        if not found then
            reminder.id := uuid_v7();
        end if;
        reminder.lead := case when item -> 'at' is null or item ->> 'at' is null then coalesce(item ->> 'before', 'PT0S') end;
        reminder.at := item ->> 'at';
        reminder.channels := case when item ->> 'channels' is not null then
            array(select json_array_elements_text(item -> 'channels')) end;
        reminder.every := item ->> 'repeat';
        insert into reminders (id, user_id, task_id, lead, at, channels, every, created_at, updated_at)
            values (reminder.id, task.user_id, task.id, reminder.lead, reminder.at, reminder.channels, reminder.every, p_at, p_at)
            on conflict (id) do update set
                lead = excluded.lead, at = excluded.at, channels = excluded.channels, every = excluded.every,
                updated_at = excluded.updated_at,
                seq = case when (reminders.lead, reminders.at, reminders.channels, reminders.every)
                    is not distinct from (excluded.lead, excluded.at, excluded.channels, excluded.every) then reminders.seq else 0 end;
        kept := kept || reminder.id;
        definitions := definitions || reminder_definition(item::jsonb, reminder.id);
    end loop;
    task.reminders := case when definitions <> '{}' then '[' || array_to_string(definitions, ',') || ']' end;
    return task;
end
$$;
