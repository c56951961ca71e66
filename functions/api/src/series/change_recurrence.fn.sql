-- Sets the recurrence of a task. The caller holds the user's row lock, and stores the task.
--
-- task          the task, with its new due date
-- p_definition  what the client defines, see `stored_recurrence`; null for no recurrence
-- p_scope       `future` or `all`: the due date is that of the occurrences to come, too, so a new series begins in any case
-- p_zone        the account's timezone
-- p_context     envelope members that come from the request, as JSON without its braces
-- p_actor       the actor of the events, as JSON
--
-- Returns the task with its place in its series, which stays paused if it is. If the definition is that of the series, or the task has no due date, nothing
-- changes.
create or replace function change_recurrence(task tasks, p_definition text, p_scope text, p_zone text, p_context text, p_actor text)
returns tasks
language plpgsql volatile as $$
declare
    moment constant timestamptz := clock_timestamp();
    old constant jsonb := task.recurrence;
    is_newest boolean := false;
    is_only boolean := false;
    paused_at timestamptz;
begin
    -- A definition without `timezone` is satisfied with any.
    if old is null and p_definition is null
        or p_scope is null and old || p_definition::jsonb = old
        or p_definition is not null and task.due is null then
        return task;
    end if;
    if old is not null then
        select current_id = task.id, current_id = task.id and previous_id is null and task.occurrence_number = 1,
                case when current_id = task.id and ended_at is null then (recurrence ->> 'paused_at')::timestamptz end
            into is_newest, is_only, paused_at from series where id = task.series_id;
    end if;
    if p_definition is null then
        task.recurrence := null;
        if is_newest then
            perform end_series(task.series_id, 'edit', moment, p_context, p_actor);
        end if;
        return task;
    end if;
    if is_newest and not is_only then
        perform end_series(task.series_id, 'split', moment, p_context, p_actor);
    end if;
    task := begin_series(task, case when is_only then task.series_id else uuid_v7() end, p_definition, p_zone, moment);
    if paused_at is not null then
        -- Another device may have paused it, and this one may not know it yet.
        task.recurrence := paused_recurrence(task.recurrence, true, paused_at);
        update series set recurrence = task.recurrence, next_at = null where id = task.series_id;
    end if;
    perform series_changed(task.series_id, p_context, p_actor);
    return task;
end
$$;
