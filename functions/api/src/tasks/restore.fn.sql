-- Takes a tombstone back: the task is what it was when it was deleted. One that is not deleted stays as it is.
-- `p_match`: versions that may be written over, null for any.
-- status: 200 restored, unchanged or replayed · 401 no such user · 404 no such task · 412 another version, which is
-- returned · 422 the key belongs to another request.
create or replace function restore_task(
    p_user uuid, p_id uuid, p_match bigint[], p_context text, p_actor text, p_key text, p_fingerprint text, p_rate text[] default null,
    out status integer, out version bigint, out body text, out replayed boolean, out rate text)
language plpgsql volatile as $$
declare
    task tasks;
    kept idempotency_keys;
    previous text;
begin
    rate := take_rate(p_rate);
    if rate like 'wait%' then
        return;
    end if;
    replayed := false;
    perform 1 from users where users.id = p_user for no key update;
    if not found then
        status := 401;
        return;
    end if;
    kept := kept_answer(p_user, p_key, p_fingerprint);
    if kept.status is not null then
        status := kept.status; version := kept.version; body := kept.body;
        replayed := kept.status <> 422;
        return;
    end if;

    select * into task from tasks where tasks.id = p_id and user_id = p_user;
    if not found then
        status := 404;
        return;
    end if;
    version := task.version;
    if p_match is not null and task.version <> all (p_match) then
        status := 412;
        return;
    end if;

    if task.deleted_at is not null then
        previous := '{"deleted_at":"' || rfc3339(task.deleted_at) || '"}';
        update users set sync_seq = sync_seq + 1 where users.id = p_user returning sync_seq into task.seq;
        task.version := task.version + 1;
        task.updated_at := clock_timestamp();
        task.deleted_at := null;
        update tasks set version = task.version, seq = task.seq, updated_at = task.updated_at, deleted_at = null
            where tasks.id = p_id;
    end if;
    status := 200;
    version := task.version;
    body := task_json(task);
    if previous is not null then
        perform emit_task_events(
            p_user, p_id, 'task.restored', task.seq, task.updated_at, p_context, p_actor, body, previous);
    end if;
    if p_key is not null then
        perform keep_answer(p_user, p_key, p_fingerprint, status, version, null, body);
    end if;
end
$$;
