-- Does the operations of a batch in their order, each as its own request would be, and puts their results together.
-- What was found invalid before comes with its result; `p_absent`, `p_taken` and `p_stale` are the problems of what turns
-- out to be refused in here, 404, 409 and 412, where {version} stands for the task's version.
-- status: 200 done or replayed · 401 no such user · 409 an operation of an atomic batch is refused: nothing is done, and the
-- body lists all that are · 422 the key belongs to another request.
create or replace function batch_tasks(
    p_user uuid, p_operations json, p_atomic boolean, p_absent text, p_taken text, p_stale text, p_context text, p_actor text,
    p_key text, p_fingerprint text, p_rate text[],
    out status integer, out body text, out replayed boolean, out rate text)
language plpgsql volatile as $$
declare
    kept idempotency_keys;
    operation record;
    accepted bigint[];
    outcome integer;
    version bigint;
    location text;
    task text;
    again boolean;
    uncounted text;
    results text[];
    refused text[];
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
        status := kept.status; body := kept.body;
        replayed := kept.status <> 422;
        return;
    end if;

    begin
        for operation in
            select * from rows from (json_to_recordset(p_operations) as (
                op text, id text, version bigint, title text, description text, status text, priority text, tags text[],
                set_due boolean, due text, instant text, result text)) with ordinality
        loop
            if operation.result is not null then
                results[operation.ordinality] := operation.result;
                continue;
            end if;
            accepted := case when operation.version is not null then array[operation.version] end;
            task := null;
            if operation.op = 'create' and operation.id is null then
                call create_task(p_user::text, null, operation.title, operation.description, operation.status,
                    operation.priority, operation.tags, operation.due, operation.instant, p_context, p_actor, null, null, null,
                    outcome, version, location, task, again, uncounted);
            elsif operation.op = 'create' then
                -- Only an id that the client has chosen can be taken, so only these pay for a subtransaction.
                begin
                    call create_task(p_user::text, operation.id, operation.title, operation.description, operation.status,
                        operation.priority, operation.tags, operation.due, operation.instant, p_context, p_actor, null, null, null,
                        outcome, version, location, task, again, uncounted);
                exception when unique_violation then
                    outcome := 409;
                end;
            elsif operation.op = 'delete' then
                select done.status, done.version into outcome, version
                    from delete_task(p_user, operation.id::uuid, accepted, p_context, p_actor) done;
            elsif operation.op = 'restore' then
                select done.status, done.version, done.body into outcome, version, task
                    from restore_task(p_user, operation.id::uuid, accepted, p_context, p_actor, null, null) done;
            else
                select done.status, done.version, done.body into outcome, version, task
                    from update_task(p_user, operation.id::uuid, accepted, operation.title, operation.description,
                        operation.status, operation.priority, operation.tags, operation.set_due, operation.due::json,
                        operation.instant::timestamptz, operation.op = 'reopen', p_context, p_actor, null, null) done;
            end if;

            -- An array and no text that grows, which would be copied for each operation.
            if outcome < 300 then
                results[operation.ordinality] := '{"status":' || outcome || coalesce(',"task":' || task, '') || '}';
            else
                results[operation.ordinality] := '{"status":' || outcome || ',"problem":' || case outcome
                    when 409 then p_taken
                    when 412 then replace(p_stale, '{version}', version::text)
                    else p_absent end || '}';
                refused := refused || ('{"operation":' || operation.ordinality - 1 || ',"status":' || outcome
                    || ',"version":' || coalesce(version::text, 'null') || '}');
            end if;
        end loop;
        if p_atomic and refused is not null then
            raise exception using errcode = 'BATCH', message = 'an operation of an atomic batch is refused';
        end if;
        status := 200;
        body := '{"results":[' || array_to_string(results, ',') || ']}';
        if p_key is not null then
            perform keep_answer(p_user, p_key, p_fingerprint, status, null, null, body);
        end if;
    exception when sqlstate 'BATCH' then
        status := 409;
        body := '[' || array_to_string(refused, ',') || ']';
    end;
end
$$;
