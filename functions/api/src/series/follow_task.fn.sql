-- Brings a series up to date with an occurrence that a request has changed. The caller holds the user's row lock.
--
-- task       the occurrence after the change
-- p_kind     type of the change's event
-- p_scope    `this` if the change is for this occurrence alone
-- p_context  envelope members that come from the request, as JSON without its braces
-- p_actor    the actor of the events, as JSON
create or replace function follow_task(task tasks, p_kind text, p_scope text, p_context text, p_actor text) returns void
language plpgsql volatile as $$
begin
    if p_scope is distinct from 'this' then
        update series set
            title = task.title, description = task.description, priority = task.priority, tags = task.tags,
            reminders = task.reminders, updated_at = task.updated_at
            where id = task.series_id and current_id = task.id
                and (title, description, priority, tags, reminders::text) is distinct from
                    (task.title, task.description, task.priority, task.tags, task.reminders::text);
    end if;
    if p_kind in ('task.completed', 'task.skipped') then
        -- The event tells the agent. If the event is lost, the agent finds the series here.
        update series set next_at = task.updated_at + interval '1 minute'
            where id = task.series_id and current_id = task.id and ended_at is null
                and recurrence ->> 'create' is distinct from 'on_schedule';
    elsif p_kind = 'task.reopened' and task.recurrence ->> 'create' is distinct from 'on_schedule' then
        perform withdraw_occurrence(task, p_context, p_actor);
    end if;
end
$$;
