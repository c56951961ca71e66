-- Restores a deleted task with the fields that it had before. If the task is not deleted, nothing is written.
--
-- p_user     the user
-- p_id       the task
-- p_match    versions that may be overwritten; null for any
-- p_context  envelope members that come from the request, as JSON without its braces
-- p_actor    the actor of the events, as JSON
-- p_key, p_fingerprint, p_rate   see `begin_write`
--
-- Outcomes: changed · unchanged · missing · stale (`version` is the current one) · limited · gone · key_reused.
create or replace function restore_task(
    p_user uuid, p_id uuid, p_match bigint[], p_context text, p_actor text,
    p_key text default null, p_fingerprint text default null, p_rate text[] default null)
    returns write_result
language plpgsql volatile as $$
declare
    result write_result;
    task tasks;
    previous text;
begin
    result := begin_write(p_user, p_rate, p_key, p_fingerprint);
    if result.outcome is not null then
        return result;
    end if;
    select * into task from tasks where tasks.id = p_id and user_id = p_user;
    if not found then
        result.outcome := 'missing';
        return result;
    end if;
    if p_match is not null and task.version <> all (p_match) then
        result.outcome := 'stale';
        result.version := task.version;
        return result;
    end if;

    if task.deleted_at is null then
        result.outcome := 'unchanged';
    else
        result.outcome := 'changed';
        previous := '{"deleted_at":"' || rfc3339(task.deleted_at) || '"}';
        update users set sync_seq = sync_seq + 1 where users.id = p_user returning sync_seq into task.seq;
        task.version := task.version + 1;
        task.updated_at := clock_timestamp();
        task.deleted_at := null;
        update tasks set version = task.version, seq = task.seq, updated_at = task.updated_at, deleted_at = null
            where tasks.id = p_id;
    end if;
    result.version := task.version;
    result.body := task_json(task);
    if result.outcome = 'changed' then
        perform emit_task_events(
            p_user, p_id, 'task.restored', task.seq, task.updated_at, p_context, p_actor, result.body, previous);
    end if;
    if p_key is not null then
        perform keep_answer(p_user, p_key, p_fingerprint, result);
    end if;
    return result;
end
$$;
