-- Changes a task, for PUT, PATCH, complete, reopen and skip. If all new values equal the old ones, nothing is written.
--
-- p_user         the user
-- p_id           the task
-- p_match        versions that may be overwritten; null for any
-- p_title, p_description, p_status, p_priority, p_tags   null leaves the field as it is
-- p_set_due      whether to set the due date; a null `p_due` then removes it
-- p_due          due date as JSON
-- p_due_instant  instant of the due date; null if `p_due` is a day, which ends in the user's timezone, see `due_at`
-- p_set_recurrence   whether to set the recurrence; a null `p_recurrence` then ends the series after this task
-- p_recurrence   the recurrence as the client defines it, see `stored_recurrence`. Another one than that of the task begins a
--                new series with this task, and ends the old one
-- p_reminders    its reminders, see `set_reminders`; null leaves them as they are
-- p_scope        what else of a series the request is for. Title, description, priority and tags are for the occurrences to come,
--                too, unless the scope is `this`. A due date is so only if the scope is `future` or `all`
-- p_op           `reopen`: only a completed or cancelled task gets the status. `skip`: only an open or started task of a series
--                gets it. Null for other requests
-- p_occurred_at  when the task was completed, if that was earlier; null for now. A time before its creation or after now is moved there
-- p_read_only    members that the request must not change, as a JSON object; null for none
-- p_context      envelope members that come from the request, as JSON without its braces
-- p_actor        the actor of the events, as JSON
-- p_key, p_fingerprint, p_rate   see `admit_write`
--
-- The OUT parameters are the columns of `write_result`. Outcomes: changed · unchanged · missing · stale (`version` is the
-- current one) · read_only (`body` is a JSON array of the members in `p_read_only` that have other values) · needs_due (a task
-- with a recurrence has no due date) · not_recurring (only an occurrence of a series can be skipped) · limited · gone ·
-- key_reused.
create or replace procedure update_task(
    p_user text, p_id text, p_match text, p_title text, p_description text, p_status text, p_priority text, p_tags text[],
    p_set_due boolean, p_due text, p_due_instant text, p_set_recurrence boolean, p_recurrence text, p_reminders text, p_scope text, p_op text,
    p_occurred_at text, p_read_only text, p_context text, p_actor text, p_key text, p_fingerprint text, p_rate text[],
    out outcome text, out version bigint, out id text, out body text, out replayed boolean, out rate text)
language plpgsql as $$
declare
    owner constant uuid := p_user;
    accepted constant bigint[] := p_match;
    old tasks;
    task tasks;
    zone text;
    previous text := '';
    kind text := 'task.updated';
begin
    call admit_write(owner, p_rate, p_key, p_fingerprint, true, outcome, version, id, body, replayed, rate);
    if outcome is not null then
        return;
    end if;
    select * into old from tasks where tasks.id = p_id::uuid and user_id = owner and deleted_at is null;
    if not found then
        outcome := 'missing';
        perform keep_answer(owner, p_key, p_fingerprint, row(outcome, version, id, body, null, null)::write_result);
        return;
    end if;
    if old.version <> all (accepted) then
        outcome := 'stale';
        version := old.version;
        perform keep_answer(owner, p_key, p_fingerprint, row(outcome, version, id, body, null, null)::write_result);
        return;
    end if;

    if p_read_only is not null then
        select json_agg(name) into body from jsonb_each(p_read_only::jsonb) as given (name, value)
            where value is distinct from task_json(old)::jsonb -> name;
        if body is not null then
            outcome := 'read_only';
            return;
        end if;
    end if;

    outcome := update_refusal(old, p_op, p_set_due, p_due, p_set_recurrence, p_recurrence);
    if outcome is not null then
        perform keep_answer(owner, p_key, p_fingerprint, row(outcome, version, id, body, null, null)::write_result);
        return;
    end if;

    task := old;
    task.title := coalesce(p_title, old.title);
    task.description := coalesce(p_description, old.description);
    task.priority := coalesce(p_priority, old.priority);
    if p_tags is not null then
        -- A tag that the task has already keeps its spelling.
        task.tags := array(
            select coalesce(old.tags[array_position(old.tag_keys, tag_key(p.tag))], p.tag)
            from unnest(p_tags) with ordinality as p (tag, place)
            order by p.place);
    end if;
    if p_status is not null
        and (p_op is null or (p_op = 'reopen') = (old.status in ('completed', 'cancelled'))) then
        task.status := p_status;
    end if;
    if p_set_due or p_recurrence is not null then
        select timezone into zone from users where users.id = owner;
    end if;
    -- The instant of an equal due date can differ, if the rules of its timezone have changed.
    if p_set_due then
        task.due := p_due;
        task.due_at := due_at(task.due, p_due_instant::timestamptz, zone);
    end if;

    if p_reminders is not null and p_reminders::jsonb is distinct from coalesce(old.reminders::jsonb, '[]') then
        task := set_reminders(task, p_reminders::json, clock_timestamp());
    end if;
    if p_set_recurrence then
        task := change_recurrence(task, p_recurrence, p_scope, zone, p_context, p_actor);
    end if;

    if task.title <> old.title then
        previous := previous || ',"title":' || to_json(old.title)::text;
    end if;
    if task.description <> old.description then
        previous := previous || ',"description":' || to_json(old.description)::text;
    end if;
    if task.status <> old.status then
        previous := previous || ',"status":"' || old.status || '"';
    end if;
    if task.priority <> old.priority then
        previous := previous || ',"priority":"' || old.priority || '"';
    end if;
    if task.tags <> old.tags then
        previous := previous || ',"tags":' || array_to_json(old.tags)::text;
    end if;
    if task.due::text is distinct from old.due::text then
        previous := previous || ',"due":' || coalesce(old.due::text, 'null');
    end if;
    if task.due_at is distinct from old.due_at then
        previous := previous || ',"due_at":' || coalesce('"' || rfc3339(old.due_at) || '"', 'null');
    end if;
    if task.recurrence::text is distinct from old.recurrence::text then
        previous := previous || ',"recurrence":' || coalesce(old.recurrence::text, 'null')
            || ',"series_id":' || coalesce('"' || old.series_id::text || '"', 'null')
            || ',"occurrence":' || coalesce(to_json(old.occurrence)::text, 'null')
            || ',"occurrence_number":' || coalesce(old.occurrence_number::text, 'null');
    end if;
    if task.reminders::text is distinct from old.reminders::text then
        previous := previous || ',"reminders":' || coalesce(old.reminders::text, '[]');
    end if;

    if previous = '' then
        outcome := 'unchanged';
    else
        outcome := 'changed';
        task.updated_at := clock_timestamp();
        task.version := old.version + 1;
        if task.status = 'completed' and old.status <> 'completed' then
            kind := 'task.completed';
            task.completed_at := least(
                greatest(coalesce(p_occurred_at::timestamptz, task.updated_at), task.created_at), task.updated_at);
            previous := previous || ',"completed_at":null';
        elsif task.status in ('open', 'in_progress') and old.status in ('completed', 'cancelled') then
            kind := 'task.reopened';
        elsif task.status = 'cancelled' and old.status <> 'cancelled' and old.recurrence is not null then
            kind := 'task.skipped';
        end if;
        if task.status <> 'completed' and old.status = 'completed' then
            previous := previous || ',"completed_at":"' || rfc3339(old.completed_at) || '"';
            task.completed_at := null;
        end if;
        update users set sync_seq = sync_seq + 1 where users.id = owner returning sync_seq into task.seq;
        task.field_versions := field_versions(old, task);
        perform keep_old_values(old, task);
        update tasks set
            title = task.title, description = task.description, status = task.status, priority = task.priority,
            tags = task.tags, due = task.due, due_at = task.due_at, version = task.version, seq = task.seq,
            updated_at = task.updated_at, completed_at = task.completed_at, series_id = task.series_id,
            recurrence = task.recurrence, occurrence = task.occurrence, occurrence_number = task.occurrence_number,
            reminders = task.reminders, field_versions = task.field_versions
            where tasks.id = task.id;
    end if;

    version := task.version;
    body := task_json(task);
    if outcome = 'changed' then
        perform emit_task_events(
            owner, task.id, kind, task.seq, task.updated_at, p_context, p_actor, body, '{' || substr(previous, 2) || '}');
        if task.recurrence is not null then
            perform follow_task(old, task, kind, p_scope, p_context, p_actor);
        end if;
        if coalesce(task.reminders, old.reminders) is not null then
            perform schedule_reminders(task, p_context, p_actor);
        end if;
    end if;
    perform keep_answer(owner, p_key, p_fingerprint, row(outcome, version, id, body, null, null)::write_result);
end
$$;
