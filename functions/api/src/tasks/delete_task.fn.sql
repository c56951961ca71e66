-- Deletes a task; its row stays as a tombstone. The deletion of an open occurrence of a series ends the series, unless the scope is
-- `this`.
--
-- p_user     the user
-- p_id       the task
-- p_match    versions that may be deleted; null for any
-- p_scope    `this`: the series continues with the next occurrence. `all` or `future`: the series ends, also if the task is
--            completed, and its newest occurrence is deleted too if it is open. Null: `all` if the task is open
-- p_context  envelope members that come from the request, as JSON without its braces
-- p_actor    the actor of the events, as JSON
-- p_rate     see `admit_write`
--
-- The OUT parameters are the columns of `write_result`. Outcomes: deleted · missing (no such task, or it is deleted already) ·
-- stale (`version` is the current one) · limited · gone.
create or replace procedure delete_task(
    p_user text, p_id text, p_match text, p_scope text, p_context text, p_actor text, p_rate text[],
    out outcome text, out version bigint, out id text, out body text, out replayed boolean, out rate text)
language plpgsql as $$
declare
    owner constant uuid := p_user;
    accepted constant bigint[] := p_match;
    task tasks;
begin
    call admit_write(owner, p_rate, null, null, true, outcome, version, id, body, replayed, rate);
    if outcome is not null then
        return;
    end if;
    select * into task from tasks where tasks.id = p_id::uuid and user_id = owner and deleted_at is null;
    if not found then
        outcome := 'missing';
        return;
    end if;
    if task.version <> all (accepted) then
        outcome := 'stale';
        version := task.version;
        return;
    end if;
    if task.recurrence is not null then
        perform leave_series(task, p_scope, p_context, p_actor);
        -- An occurrence that is skipped has a new version.
        select * into task from tasks where tasks.id = task.id;
    end if;
    update users set sync_seq = sync_seq + 1 where users.id = owner returning sync_seq into task.seq;
    task.version := task.version + 1;
    task.deleted_at := clock_timestamp();
    task.updated_at := task.deleted_at;
    update tasks set version = task.version, seq = task.seq, updated_at = task.updated_at, deleted_at = task.deleted_at
        where tasks.id = task.id;
    perform emit_task_events(
        owner, task.id, 'task.deleted', task.seq, task.deleted_at, p_context, p_actor, task_json(task), '{"deleted_at":null}');
    if task.reminders is not null then
        perform schedule_reminders(task, p_context, p_actor);
    end if;
    outcome := 'deleted';
end
$$;
