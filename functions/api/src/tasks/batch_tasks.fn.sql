-- Applies the operations of a batch in order, with the same procedures as single requests, and collects their results.
--
-- p_user        the user
-- p_operations  a JSON array of objects, whose members are the columns of the record set below. An operation that the API
--               found invalid has only the member `faults`. It is not applied; its faults are its result.
-- p_atomic      whether a refused operation rolls back all
-- p_context     envelope members that come from the request, as JSON without its braces
-- p_actor       the actor of the events, as JSON
-- p_key, p_fingerprint, p_rate   see `admit_write`
--
-- The OUT parameters are the columns of `write_result`. Outcomes: changed · refused (the batch is atomic and an operation was
-- refused, so all were rolled back) · limited · gone · key_reused.
--
-- The body of `changed` and `refused` is a JSON array with a result for each operation, in one of these forms:
--     {"outcome": …, "version": …, "task": …}   without `version` or `task` if it is null; `task` is the `body` of the operation
--     {"faults": …}
create or replace procedure batch_tasks(
    p_user text, p_operations text, p_atomic boolean, p_context text, p_actor text, p_key text, p_fingerprint text,
    p_rate text[],
    out outcome text, out version bigint, out id text, out body text, out replayed boolean, out rate text)
language plpgsql as $$
declare
    owner constant uuid := p_user;
    operation record;
    accepted text;
    done write_result;
    results text[];
    refused boolean := false;
begin
    call admit_write(owner, p_rate, p_key, p_fingerprint, true, outcome, version, id, body, replayed, rate);
    if outcome is not null then
        return;
    end if;

    begin
        for operation in
            select * from rows from (json_to_recordset(p_operations::json) as (
                op text, id text, version bigint, title text, description text, status text, priority text, tags text[],
                set_due boolean, due text, instant text, set_recurrence boolean, recurrence text, reminders text, read_only text, faults json))
                with ordinality
        loop
            -- Collected in an array: a text that grows would be copied for each operation.
            if operation.faults is not null then
                results[operation.ordinality] := '{"faults":' || operation.faults::text || '}';
                continue;
            end if;
            accepted := '{' || operation.version || '}';
            if operation.op = 'create' then
                call create_task(p_user, operation.id, operation.title, operation.description, operation.status,
                    operation.priority, operation.tags, operation.due, operation.instant, operation.recurrence, operation.reminders,
                    p_context, p_actor,
                    null, null, null,
                    done.outcome, done.version, done.id, done.body, done.replayed, done.rate);
            elsif operation.op = 'delete' then
                call delete_task(p_user, operation.id, accepted, null, p_context, p_actor, null,
                    done.outcome, done.version, done.id, done.body, done.replayed, done.rate);
            elsif operation.op = 'restore' then
                call restore_task(p_user, operation.id, accepted, p_context, p_actor, null, null, null,
                    done.outcome, done.version, done.id, done.body, done.replayed, done.rate);
            else
                call update_task(p_user, operation.id, accepted, operation.title, operation.description,
                    operation.status, operation.priority, operation.tags, operation.set_due, operation.due,
                    operation.instant, operation.set_recurrence, operation.recurrence, operation.reminders,
                    null,
                    case when operation.op in ('reopen', 'skip') then operation.op end, null, operation.read_only, p_context,
                    p_actor, null, null, null,
                    done.outcome, done.version, done.id, done.body, done.replayed, done.rate);
            end if;
            refused := refused or done.outcome not in ('made', 'changed', 'unchanged', 'deleted');
            results[operation.ordinality] := '{"outcome":"' || done.outcome || '"'
                || coalesce(',"version":' || done.version, '') || coalesce(',"task":' || done.body, '') || '}';
        end loop;
        outcome := 'changed';
        body := '[' || array_to_string(results, ',') || ']';
        if p_atomic and refused then
            -- Rolls back the block. Variables keep their values.
            raise exception using errcode = 'BATCH', message = 'an operation of an atomic batch was refused';
        end if;
    exception when sqlstate 'BATCH' then
        outcome := 'refused';
    end;
    perform keep_answer(owner, p_key, p_fingerprint, row(outcome, version, id, body, null, null)::write_result);
end
$$;
