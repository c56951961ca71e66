-- Restores a deleted task with the fields that it had before. If the task is not deleted, nothing is written.
--
-- A day is due in the timezone that the user has now. A change of the timezone leaves deleted tasks alone, because no index leads
-- to those of a user.
--
-- A series that ended with the deletion of its newest occurrence continues with it.
--
-- p_user     the user
-- p_id       the task
-- p_match    versions that may be overwritten; null for any
-- p_context  envelope members that come from the request, as JSON without its braces
-- p_actor    the actor of the events, as JSON
-- p_key, p_fingerprint, p_rate   see `admit_write`
--
-- The OUT parameters are the columns of `write_result`. Outcomes: changed · unchanged · missing · stale (`version` is the
-- current one) · limited · gone · key_reused.
create or replace procedure restore_task(
    p_user text, p_id text, p_match text, p_context text, p_actor text, p_key text, p_fingerprint text, p_rate text[],
    out outcome text, out version bigint, out id text, out body text, out replayed boolean, out rate text)
language plpgsql as $$
declare
    owner constant uuid := p_user;
    accepted constant bigint[] := p_match;
    task tasks;
    zone text;
    old_due_at timestamptz;
    previous text;
    continues boolean := false;
begin
    call admit_write(owner, p_rate, p_key, p_fingerprint, true, outcome, version, id, body, replayed, rate);
    if outcome is not null then
        return;
    end if;
    select * into task from tasks where tasks.id = p_id::uuid and user_id = owner;
    if not found then
        outcome := 'missing';
        perform keep_answer(owner, p_key, p_fingerprint, row(outcome, version, id, body, null, null)::write_result);
        return;
    end if;
    if task.version <> all (accepted) then
        outcome := 'stale';
        version := task.version;
        perform keep_answer(owner, p_key, p_fingerprint, row(outcome, version, id, body, null, null)::write_result);
        return;
    end if;

    if task.deleted_at is null then
        outcome := 'unchanged';
    else
        outcome := 'changed';
        update users set sync_seq = sync_seq + 1 where users.id = owner returning sync_seq, timezone into task.seq, zone;
        previous := '"deleted_at":"' || rfc3339(task.deleted_at) || '"';
        if task.due ->> 'date' is not null then
            old_due_at := task.due_at;
            task.due_at := due_at(task.due, null, zone);
            if task.due_at <> old_due_at then
                previous := previous || ',"due_at":"' || rfc3339(old_due_at) || '"';
            end if;
        end if;
        task.version := task.version + 1;
        task.updated_at := clock_timestamp();
        task.deleted_at := null;
        update tasks set
            version = task.version, seq = task.seq, updated_at = task.updated_at, due_at = task.due_at, deleted_at = null
            where tasks.id = task.id;
        if task.recurrence is not null then
            update series set
                ended_at = null, ended_by = null, updated_at = task.updated_at,
                next_at = case when task.status in ('completed', 'cancelled') then task.updated_at end
                where series.id = task.series_id and current_id = task.id and ended_by = 'deletion';
            continues := found;
        end if;
    end if;
    version := task.version;
    body := task_json(task);
    if outcome = 'changed' then
        perform emit_task_events(
            owner, task.id, 'task.restored', task.seq, task.updated_at, p_context, p_actor, body,
            '{' || previous || '}');
        if continues then
            perform series_changed(task.series_id, p_context, p_actor);
        end if;
        if task.reminders is not null then
            perform schedule_reminders(task, p_context, p_actor);
        end if;
    end if;
    perform keep_answer(owner, p_key, p_fingerprint, row(outcome, version, id, body, null, null)::write_result);
end
$$;
