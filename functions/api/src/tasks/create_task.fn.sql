-- Creates a task and emits its events. If the request has an Idempotency-Key, it keeps the answer. This is the hot path of
-- the system.
--
-- p_user         the user
-- p_id           id chosen by the client; null generates one
-- p_title, p_description, p_status, p_priority, p_tags   the task's fields
-- p_due          due date as JSON; null for none
-- p_due_instant  instant of the due date; null if `p_due` is a day, which ends in the user's timezone, see `due_at`
-- p_recurrence   its recurrence, as the client defines it, see `stored_recurrence`; null for none
-- p_reminders    its reminders, see `set_reminders`; null for the account's defaults
-- p_context      envelope members that come from the request, as JSON without its braces
-- p_actor        the actor of the events, as JSON
-- p_key, p_fingerprint, p_rate   see `admit_write`
--
-- The OUT parameters are the columns of `write_result`. Outcomes: made · taken (the id is in use) · limited · gone ·
-- key_reused.
--
-- It is a procedure with text parameters because Spin sends every statement to be parsed and planned again. A CALL is not
-- planned, and casts inside the procedure are cached with its plans. That saves a twelfth of the time that Postgres spends
-- on a create. For the same reason a request without a key does not lock the user's row in a separate statement: the
-- update of `sync_seq` locks it.
create or replace procedure create_task(
    p_user text, p_id text, p_title text, p_description text, p_status text, p_priority text, p_tags text[],
    p_due text, p_due_instant text, p_recurrence text, p_reminders text, p_context text, p_actor text, p_key text, p_fingerprint text,
    p_rate text[],
    out outcome text, out version bigint, out id text, out body text, out replayed boolean, out rate text)
language plpgsql as $$
declare
    owner constant uuid := p_user;
    task tasks;
    zone text;
    preferences json;
    reminders json := p_reminders;
begin
    call admit_write(
        owner, p_rate, p_key, p_fingerprint, p_key is not null, outcome, version, id, body, replayed, rate);
    if outcome is not null then
        return;
    end if;

    update users set sync_seq = sync_seq + 1 where users.id = owner 
        returning sync_seq, timezone, users.preferences into task.seq, zone, preferences;
    if not found then
        outcome := 'gone';
        return;
    end if;

    task.id := coalesce(p_id::uuid, uuid_v7());
    task.user_id := owner;
    task.title := p_title;
    task.description := p_description;
    task.status := p_status;
    task.priority := p_priority;
    task.tags := p_tags;
    task.version := 1;
    -- Read after the row is locked, so that a user's times are in the order of the writes.
    task.created_at := clock_timestamp();
    task.updated_at := task.created_at;
    if p_due is not null then
        task.due := p_due;
        task.due_at := due_at(task.due, p_due_instant::timestamptz, zone);
    end if;
    if p_status = 'completed' then
        task.completed_at := task.created_at;
    end if;

    if p_id is null then
        insert into tasks (
            id, user_id, title, description, status, priority, tags, due, due_at, seq, created_at, updated_at, completed_at)
            values (task.id, owner, p_title, p_description, p_status, p_priority, p_tags, task.due, task.due_at, task.seq,
                task.created_at, task.created_at, task.completed_at);
    else
        -- Only an id that the client chose can be in use. `on conflict` costs more, so generated ids do without.
        insert into tasks (
            id, user_id, title, description, status, priority, tags, due, due_at, seq, created_at, updated_at, completed_at)
            values (task.id, owner, p_title, p_description, p_status, p_priority, p_tags, task.due, task.due_at, task.seq,
                task.created_at, task.created_at, task.completed_at)
            on conflict do nothing;
        if not found then
            -- Returns the sequence number. The row is locked, so no other transaction has seen the number.
            update users set sync_seq = sync_seq - 1 where users.id = owner;
            outcome := 'taken';
            perform keep_answer(owner, p_key, p_fingerprint, row(outcome, version, id, body, null, null)::write_result);
            return;
        end if;
    end if;

    if p_reminders is null and p_due is not null then
        reminders := preferences -> 'defaults';
    end if;
    if p_recurrence is not null or reminders is not null then
        if reminders is not null then
            task := set_reminders(task, reminders, task.created_at);
        end if;
        if p_recurrence is not null then
            task := begin_series(task, uuid_v7(), p_recurrence, zone, task.created_at);
        end if;
        update tasks set
            series_id = task.series_id, recurrence = task.recurrence, occurrence = task.occurrence,
            occurrence_number = task.occurrence_number, reminders = task.reminders
            where tasks.id = task.id;
    end if;

    outcome := 'made';
    version := 1;
    id := task.id;
    body := task_json(task);
    perform emit_task_events(owner, task.id, 'task.created', task.seq, task.created_at, p_context, p_actor, body, '{}');
    if task.series_id is not null then
        perform series_changed(task.series_id, p_context, p_actor);
    end if;
    if task.reminders is not null then
        perform schedule_reminders(task, p_context, p_actor);
    end if;
    -- Most requests have no key, so they are spared the call.
    if p_key is not null then
        perform keep_answer(owner, p_key, p_fingerprint, row(outcome, version, id, body, null, null)::write_result);
    end if;
end
$$;
