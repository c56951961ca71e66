-- Brings a series up to date with an occurrence that a request has changed: what has changed is for the occurrences to come, too. The
-- caller holds the user's row lock.
--
-- old, task  the occurrence before and after the change
-- p_kind     type of the change's event
-- p_scope    `this` if the change is for this occurrence alone
-- p_context  envelope members that come from the request, as JSON without its braces
-- p_actor    the actor of the events, as JSON
create or replace function follow_task(old tasks, task tasks, p_kind text, p_scope text, p_context text, p_actor text) returns void
language plpgsql volatile as $$
begin
    if p_scope is distinct from 'this'
        and (old.title, old.description, old.priority, old.tags, old.reminders::text)
            is distinct from (task.title, task.description, task.priority, task.tags, task.reminders::text) then
        update series set
            title = case when old.title <> task.title then task.title else title end,
            description = case when old.description <> task.description then task.description else description end,
            priority = case when old.priority <> task.priority then task.priority else priority end,
            tags = case when old.tags <> task.tags then task.tags else tags end,
            reminders = case when old.reminders::text is distinct from task.reminders::text then task.reminders else reminders end,
            updated_at = task.updated_at
            where id = task.series_id and current_id = task.id;
        if found then
            perform series_changed(task.series_id, p_context, p_actor);
        end if;
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
