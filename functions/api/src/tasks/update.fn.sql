-- Changes a task: PUT, PATCH, complete and reopen. A null parameter leaves its field as it is; `p_set_due` says whether
-- the due is given, since null takes it away. What turns out to change nothing writes nothing.
-- `p_match`: versions that may be written over, null for any. `p_reopen` moves only a finished task back.
-- status: 200 changed, unchanged or replayed · 401 no such user · 404 no such task · 412 another version, which is
-- returned · 422 the key belongs to another request.
create or replace function update_task(
    p_user uuid, p_id uuid, p_match bigint[], p_title text, p_description text, p_status text, p_priority text, p_tags text[],
    p_set_due boolean, p_due json, p_due_instant timestamptz, p_reopen boolean, p_context text, p_actor text,
    p_key text, p_fingerprint text, p_rate text[] default null,
    out status integer, out version bigint, out body text, out replayed boolean, out rate text)
language plpgsql volatile as $$
declare
    old tasks;
    task tasks;
    kept idempotency_keys;
    zone text;
    previous text := '';
    kind text := 'task.updated';
begin
    rate := take_rate(p_rate);
    if rate like 'wait%' then
        return;
    end if;
    replayed := false;
    -- The user's row first, always: it orders the user's writes, and after it nobody else writes this task.
    select timezone into zone from users where users.id = p_user for no key update;
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

    select * into old from tasks where tasks.id = p_id and user_id = p_user and deleted_at is null;
    if not found then
        status := 404;
        return;
    end if;
    if p_match is not null and old.version <> all (p_match) then
        status := 412;
        version := old.version;
        return;
    end if;

    task := old;
    task.title := coalesce(p_title, old.title);
    task.description := coalesce(p_description, old.description);
    task.priority := coalesce(p_priority, old.priority);
    task.tags := coalesce(p_tags, old.tags);
    if p_status is not null and (not p_reopen or old.status in ('completed', 'cancelled')) then
        task.status := p_status;
    end if;
    -- The same due again keeps the instant that it was resolved to.
    if p_set_due and p_due::text is distinct from old.due::text then
        task.due := p_due;
        task.due_at := due_at(p_due, p_due_instant, zone);
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
        previous := previous || ',"due":' || coalesce(old.due::text, 'null')
            || ',"due_at":' || coalesce('"' || rfc3339(old.due_at) || '"', 'null');
    end if;

    status := 200;
    if previous <> '' then
        task.updated_at := clock_timestamp();
        task.version := old.version + 1;
        if task.status = 'completed' and old.status <> 'completed' then
            kind := 'task.completed';
            task.completed_at := task.updated_at;
            previous := previous || ',"completed_at":null';
        elsif task.status in ('open', 'in_progress') and old.status in ('completed', 'cancelled') then
            kind := 'task.reopened';
        end if;
        if task.status <> 'completed' and old.status = 'completed' then
            previous := previous || ',"completed_at":"' || rfc3339(old.completed_at) || '"';
            task.completed_at := null;
        end if;
        update users set sync_seq = sync_seq + 1 where users.id = p_user returning sync_seq into task.seq;
        update tasks set
            title = task.title, description = task.description, status = task.status, priority = task.priority,
            tags = task.tags, due = task.due, due_at = task.due_at, version = task.version, seq = task.seq,
            updated_at = task.updated_at, completed_at = task.completed_at
            where tasks.id = p_id;
    end if;

    version := task.version;
    body := task_json(task);
    if previous <> '' then
        perform emit_task_events(
            p_user, p_id, kind, task.seq, task.updated_at, p_context, p_actor, body, '{' || substr(previous, 2) || '}');
    end if;
    if p_key is not null then
        perform keep_answer(p_user, p_key, p_fingerprint, status, version, null, body);
    end if;
end
$$;
