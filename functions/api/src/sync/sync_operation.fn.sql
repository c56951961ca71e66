-- Applies one operation of a client that was offline, merged with what others have changed since the version that the client knew.
--
-- p_user       the user, whose row is locked
-- p_operation  the operation, as JSON. Its members are those of an operation of `batch_tasks`, and
--              `base`         the version that the client knew; null accepts any
--              `scope`        see `update_task`
--              `occurred_at`  when it was done
--              `text`         a description that the API has merged, see `merge_fields`
-- p_own        what earlier operations of the same batch have done to the task: {"versions": […], "tags": […], "description": …}. That is
--              no change of others. Null if nothing
-- p_context    envelope members that come from the request, as JSON without its braces
-- p_actor      the actor of the events, as JSON
--
-- `verdict` is the outcome, and `result` is {"outcome", "version", "task", "restored", "conflicts", "next"}; the last three are left out where
-- they are empty. `next` is the state of a series whose next occurrence can be made at once, see `series_state`. It concatenates text, because
-- building a json value takes longer. Outcomes: applied · merged · conflict; those of a refused operation: invalid (with `faults`) · taken · missing · future (`base` is not a version yet) · deleted ·
-- needs_due · not_recurring · ended · not_open; and text: the API has to merge the description first, see `merge_fields`.
-- `own` is `p_own` after the operation.
create or replace function sync_operation(
    p_user uuid, p_operation json, p_own jsonb, p_context text, p_actor text, out verdict text, out result text, out own jsonb)
language plpgsql volatile as $$
declare
    operation record;
    task tasks;
    base bigint;
    -- The version before the operation.
    before bigint;
    own_versions bigint[];
    -- Whether others have changed the task since the version that the client knew.
    is_foreign boolean;
    restored boolean := false;
    lost jsonb := '{}';
    merge jsonb;
    done write_result;
    next text;
begin
    own := p_own;
    select * into operation from json_to_record(p_operation) as o (
        op_id text, op text, id text, base bigint, title text, description text, status text, priority text, tags text[], set_due boolean, due text,
        instant text, set_recurrence boolean, recurrence text, reminders text, scope text, occurred_at text,
        faults json);
    if operation.faults is not null then
        verdict := 'invalid';
        result := '{"outcome":"invalid","faults":' || operation.faults::text || '}';
        return;
    end if;
    if operation.op = 'create' then
        call create_task(p_user::text, operation.id, operation.title, operation.description, operation.status, operation.priority,
            operation.tags, operation.due, operation.instant, operation.recurrence, operation.reminders, p_context, p_actor, null, null,
            null, done.outcome, done.version, done.id, done.body, done.replayed, done.rate);
        verdict := case done.outcome when 'made' then 'applied' else done.outcome end;
        result := '{"outcome":"' || verdict || '"' || coalesce(',"version":1,"task":' || done.body, '') || '}';
        own := jsonb_build_object('versions', '[1]'::jsonb, 'tags', to_jsonb(operation.tags), 'description', operation.description);
        return;
    end if;

    select * into task from tasks where tasks.id = operation.id::uuid and user_id = p_user;
    before := task.version;
    base := coalesce(operation.base, before);
    if task.id is null or base > task.version then
        verdict := case when task.id is null then 'missing' else 'future' end;
        result := '{"outcome":"' || verdict || '"}';
        return;
    end if;
    own_versions := array(select jsonb_array_elements_text(p_own -> 'versions'));
    is_foreign := exists (select from generate_series(base + 1, task.version) v where v <> all (own_versions));

    if operation.op in ('pause', 'resume', 'snooze', 'ack') then
        select o.outcome, o.next into done.outcome, next from sync_series_or_reminder(task, p_operation, p_context, p_actor) o;
        if done.outcome not in ('changed', 'unchanged') then
            verdict := done.outcome;
            result := '{"outcome":"' || verdict || '"}';
            return;
        end if;
        is_foreign := false;
        select * into task from tasks where tasks.id = task.id;
        done.version := task.version;
        done.body := case when task.deleted_at is null then task_json(task) end;
    elsif operation.op = 'restore' then
        call restore_task(p_user::text, operation.id, null, p_context, p_actor, null, null, null,
            done.outcome, done.version, done.id, done.body, done.replayed, done.rate);
    elsif operation.op = 'delete' and task.deleted_at is not null then
        done.version := task.version;
    elsif operation.op = 'delete' and is_foreign then
        -- What others have changed stays.
        lost := '{"deleted":{"theirs":false,"yours":true}}';
        done.version := task.version;
        done.body := task_json(task);
    elsif operation.op = 'delete' then
        call delete_task(p_user::text, operation.id, null, operation.scope, p_context, p_actor, null,
            done.outcome, done.version, done.id, done.body, done.replayed, done.rate);
        done.version := (select t.version from tasks t where t.id = task.id);
    else
        if task.deleted_at is not null then
            -- An edit brings a task back that another device has deleted. A client knows what it has deleted itself.
            if task.version <= base or task.version = any (own_versions) then
                verdict := 'deleted';
                result := '{"outcome":"deleted"}';
                return;
            end if;
            -- What `update_task` would refuse must not bring the task back.
            verdict := update_refusal(task, operation.op, coalesce(operation.set_due, false), operation.due,
                coalesce(operation.set_recurrence, false), operation.recurrence);
            if verdict is not null then
                result := '{"outcome":"' || verdict || '"}';
                return;
            end if;
            call restore_task(p_user::text, operation.id, null, p_context, p_actor, null, null, null,
                done.outcome, done.version, done.id, done.body, done.replayed, done.rate);
            restored := true;
            select * into task from tasks where tasks.id = task.id;
        end if;
        if is_foreign then
            merge := merge_fields(task, p_operation, base, own_versions, p_own);
            if merge -> 'text' is not null then
                verdict := 'text';
                result := (merge -> 'text')::text;
                return;
            end if;
            lost := merge -> 'lost';
        end if;
        if merge -> 'tags' is not null then
            operation.tags := array(select jsonb_array_elements_text(merge -> 'tags'));
        end if;
        call update_task(p_user::text, operation.id, null, operation.title,
            coalesce(merge ->> 'description', operation.description), operation.status, operation.priority,
            operation.tags, coalesce(operation.set_due, false), operation.due, operation.instant, coalesce(operation.set_recurrence, false),
            operation.recurrence, operation.reminders, operation.scope,
            case when operation.op in ('reopen', 'skip') then operation.op end, operation.occurred_at, null, p_context, p_actor, null, null,
            null, done.outcome, done.version, done.id, done.body, done.replayed, done.rate);
        if done.outcome not in ('changed', 'unchanged') then
            verdict := done.outcome;
            result := '{"outcome":"' || verdict || '"}';
            return;
        end if;
    end if;

    if operation.set_recurrence or restored or operation.op = 'restore' then
        -- A series that begins or goes on with a task that is done. No event tells the agent.
        select series_state(s, t) into next
            from tasks t join series s on s.id = t.series_id and s.current_id = t.id
            where t.id = task.id and t.deleted_at is null and t.status in ('completed', 'cancelled') and s.ended_at is null
                and s.next_at <= clock_timestamp() and s.recurrence ->> 'create' is distinct from 'on_schedule';
    end if;
    verdict := case when lost <> '{}' then 'conflict' when is_foreign then 'merged' else 'applied' end;
    result := '{"outcome":"' || verdict || '","version":' || done.version || coalesce(',"task":' || done.body, '')
        || case when restored then ',"restored":true' else '' end
        || coalesce(',"next":' || next, '')
        || case when verdict = 'applied' then '' else
            ',"conflicts":' || keep_conflicts(task, operation.op_id, base, restored, lost, p_context, p_actor)::text end
        || '}';
    own := jsonb_build_object(
        'versions', coalesce(p_own -> 'versions', '[]') || to_jsonb(array(select generate_series(before + 1, done.version))),
        'tags', coalesce((p_operation -> 'tags')::jsonb, p_own -> 'tags'),
        'description', coalesce(to_jsonb(operation.description), p_own -> 'description'));
end
$$;
