-- Creates one occurrence for `create_occurrences`, which says what the parameters and the result are.
create or replace function create_occurrence(
    p_user uuid, p_series uuid, p_after uuid, p_recurrence json, p_id uuid, p_occurrence text, p_number bigint, p_due json,
    p_instant timestamptz, p_look_at timestamptz, p_context text, p_actor text,
    out result text, out task_id uuid, out state text)
language plpgsql volatile as $$
declare
    zone text;
    current series;
    previous tasks;
    task tasks;
    old tasks;
    is_done boolean;
    kind text := 'task.created';
    before text := '{}';
begin
    -- Locks the user's row, which orders all writes to the series.
    select timezone into zone from users where users.id = p_user for no key update;
    select * into current from series where series.id = p_series;
    if zone is null or current.id is null then
        result := 'missing';
        return;
    end if;
    if current.ended_at is not null or current.recurrence ->> 'paused_at' is not null then
        result := 'skipped';
        return;
    end if;
    if current.current_id <> p_after then
        result := 'exists';
        task_id := current.current_id;
        return;
    end if;
    select * into previous from tasks where tasks.id = p_after;
    if not found
        or current.recurrence ->> 'create' is distinct from 'on_schedule' and previous.status not in ('completed', 'cancelled') then
        update series set next_at = null where series.id = p_series;
        result := 'skipped';
        return;
    end if;
    if current.recurrence::jsonb is distinct from p_recurrence::jsonb then
        result := 'changed';
        state := series_state(current, previous);
        return;
    end if;
    if p_id is null and p_look_at is not null then
        update series set next_at = p_look_at where series.id = p_series;
        result := 'waiting';
        return;
    end if;
    if p_id is null then
        perform end_series(p_series, 'rule', clock_timestamp(), p_context, p_actor);
        result := 'ended';
        return;
    end if;

    select * into task from tasks where tasks.id = p_id;
    if found and task.deleted_at is null and task.user_id = p_user
        and (task.recurrence is null or task.series_id <> p_series) then
        -- `withdraw_occurrence` took it back, and then a person restored it and gave it another recurrence, or none. That ends the series, as
        -- it would have if the occurrence had been the newest one then.
        perform end_series(
            p_series, case when task.recurrence is null then 'edit' else 'split' end, clock_timestamp(), p_context, p_actor);
        result := 'ended';
        return;
    end if;
    task_id := p_id;
    if found and (task.deleted_at is null or task.user_id <> p_user) then
        -- `withdraw_occurrence` took it back, and then a person restored and completed it. The occurrence after it is still missing. The
        -- caller makes that. If the caller ends before, the agent's next look finds the series.
        is_done := current.recurrence ->> 'create' is distinct from 'on_schedule' and task.series_id = p_series
            and task.status in ('completed', 'cancelled');
        update series set
            current_id = p_id, current_version = task.version, previous_id = p_after,
            next_at = case when is_done then clock_timestamp() else p_look_at end
            where series.id = p_series;
        result := case when is_done then 'changed' else 'exists' end;
        state := case when is_done then series_state(current, task) end;
        return;
    end if;
    -- A tombstone is an occurrence that `withdraw_occurrence` took back.
    if found then
        old := task;
        kind := 'task.restored';
        before := '{"deleted_at":"' || rfc3339(task.deleted_at) || '"}';
    end if;
    task.version := coalesce(task.version, 0) + 1;
    task.id := p_id;
    task.user_id := p_user;
    task.title := current.title;
    task.description := current.description;
    task.status := 'open';
    task.priority := current.priority;
    task.tags := current.tags;
    task.due := p_due;
    task.due_at := due_at(p_due, p_instant, zone);
    task.series_id := p_series;
    task.recurrence := current.recurrence;
    task.occurrence := p_occurrence;
    task.occurrence_number := p_number;
    task.updated_at := clock_timestamp();
    task.created_at := coalesce(task.created_at, task.updated_at);
    task.completed_at := null;
    task.deleted_at := null;
    task.reminders := null;
    if current.reminders is not null then
        -- A reminder at a certain time was for one occurrence.
        task := set_reminders(task, (select coalesce(json_agg(value), '[]') from json_array_elements(current.reminders)
            where value ->> 'at' is null), task.updated_at);
    end if;
    if old.id is not null then
        -- Devices that know the occurrence from before see what has changed.
        task.field_versions := field_versions(old, task);
        perform keep_old_values(old, task);
    end if;
    update users set sync_seq = sync_seq + 1 where users.id = p_user returning sync_seq into task.seq;
    insert into tasks (
        id, user_id, title, description, status, priority, tags, due, due_at, series_id, recurrence, occurrence,
        occurrence_number, reminders, version, seq, created_at, updated_at, field_versions)
        values (p_id, p_user, task.title, task.description, task.status, task.priority, task.tags, task.due, task.due_at,
            p_series, task.recurrence, p_occurrence, p_number, task.reminders,
            task.version, task.seq, task.created_at, task.updated_at, task.field_versions)
        on conflict (id) do update set
            title = excluded.title, description = excluded.description, status = excluded.status,
            priority = excluded.priority, tags = excluded.tags, due = excluded.due, due_at = excluded.due_at,
            recurrence = excluded.recurrence, occurrence = excluded.occurrence,
            occurrence_number = excluded.occurrence_number, reminders = excluded.reminders, version = excluded.version, seq = excluded.seq,
            updated_at = excluded.updated_at, completed_at = null, deleted_at = null, field_versions = excluded.field_versions;
    update series set
        current_id = p_id, current_version = task.version, previous_id = p_after, next_at = p_look_at
        where series.id = p_series;
    perform emit_task_events(p_user, p_id, kind, task.seq, task.updated_at, p_context, p_actor, task_json(task), before);
    if coalesce(task.reminders, old.reminders) is not null then
        perform schedule_reminders(task, p_context, p_actor);
    end if;
    result := 'made';
end
$$;
