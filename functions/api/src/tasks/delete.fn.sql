-- Deletes a task and leaves its tombstone.
-- status: 204 deleted · 401 no such user · 404 no such task, or deleted before · 412 another version, which is returned.
create or replace function delete_task(
    p_user uuid, p_id uuid, p_match bigint[], p_context text, p_actor text, p_rate text[] default null,
    out status integer, out version bigint, out rate text)
language plpgsql volatile as $$
declare
    task tasks;
begin
    rate := take_rate(p_rate);
    if rate like 'wait%' then
        return;
    end if;
    perform 1 from users where users.id = p_user for no key update;
    if not found then
        status := 401;
        return;
    end if;
    select * into task from tasks where tasks.id = p_id and user_id = p_user and deleted_at is null;
    if not found then
        status := 404;
        return;
    end if;
    version := task.version;
    if p_match is not null and task.version <> all (p_match) then
        status := 412;
        return;
    end if;
    update users set sync_seq = sync_seq + 1 where users.id = p_user returning sync_seq into task.seq;
    task.version := task.version + 1;
    task.deleted_at := clock_timestamp();
    task.updated_at := task.deleted_at;
    update tasks set version = task.version, seq = task.seq, updated_at = task.updated_at, deleted_at = task.deleted_at
        where tasks.id = p_id;
    perform emit_task_events(
        p_user, p_id, 'task.deleted', task.seq, task.deleted_at, p_context, p_actor, task_json(task), '{"deleted_at":null}');
    status := 204;
    version := task.version;
end
$$;
