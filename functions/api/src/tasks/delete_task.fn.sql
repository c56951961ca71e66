-- Deletes a task; its row stays as a tombstone.
--
-- p_user     the user
-- p_id       the task
-- p_match    versions that may be deleted; null for any
-- p_context  envelope members that come from the request, as JSON without its braces
-- p_actor    the actor of the events, as JSON
-- p_rate     see `begin_write`
--
-- Outcomes: deleted · missing (no such task, or it is deleted already) · stale (`version` is the current one) · limited ·
-- gone.
create or replace function delete_task(
    p_user uuid, p_id uuid, p_match bigint[], p_context text, p_actor text, p_rate text[] default null) returns write_result
language plpgsql volatile as $$
declare
    result write_result;
    task tasks;
begin
    result := begin_write(p_user, p_rate);
    if result.outcome is not null then
        return result;
    end if;
    select * into task from tasks where tasks.id = p_id and user_id = p_user and deleted_at is null;
    if not found then
        result.outcome := 'missing';
        return result;
    end if;
    if p_match is not null and task.version <> all (p_match) then
        result.outcome := 'stale';
        result.version := task.version;
        return result;
    end if;
    update users set sync_seq = sync_seq + 1 where users.id = p_user returning sync_seq into task.seq;
    task.version := task.version + 1;
    task.deleted_at := clock_timestamp();
    task.updated_at := task.deleted_at;
    update tasks set version = task.version, seq = task.seq, updated_at = task.updated_at, deleted_at = task.deleted_at
        where tasks.id = p_id;
    perform emit_task_events(
        p_user, p_id, 'task.deleted', task.seq, task.deleted_at, p_context, p_actor, task_json(task), '{"deleted_at":null}');
    result.outcome := 'deleted';
    return result;
end
$$;
