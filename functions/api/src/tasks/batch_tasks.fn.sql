-- Applies the operations of a batch in order, with the same functions as single requests, and collects their results.
--
-- p_user        the user
-- p_operations  a JSON array of objects, whose members are the columns of the record set below. An operation that the API
--               found invalid has only the member `faults`. It is not applied; its faults are its result.
-- p_atomic      whether a refused operation rolls back all
-- p_context     envelope members that come from the request, as JSON without its braces
-- p_actor       the actor of the events, as JSON
-- p_key, p_fingerprint, p_rate   see `begin_write`
--
-- Outcomes: changed · refused (the batch is atomic and an operation was refused, so all were rolled back) · limited · gone ·
-- key_reused.
--
-- The body of `changed` and `refused` is a JSON array with a result for each operation, in one of these forms:
--     {"outcome": …, "version": …, "task": …}   without `version` or `task` if it is null
--     {"faults": …}
create or replace function batch_tasks(
    p_user uuid, p_operations json, p_atomic boolean, p_context text, p_actor text,
    p_key text, p_fingerprint text, p_rate text[])
    returns write_result
language plpgsql volatile as $$
declare
    result write_result;
    operation record;
    accepted bigint[];
    done write_result;
    results text[];
    refused boolean := false;
begin
    result := begin_write(p_user, p_rate, p_key, p_fingerprint);
    if result.outcome is not null then
        return result;
    end if;

    begin
        for operation in
            select * from rows from (json_to_recordset(p_operations) as (
                op text, id text, version bigint, title text, description text, status text, priority text, tags text[],
                set_due boolean, due text, instant text, faults json)) with ordinality
        loop
            -- Collected in an array: a text that grows would be copied for each operation.
            if operation.faults is not null then
                results[operation.ordinality] := '{"faults":' || operation.faults::text || '}';
                continue;
            end if;
            accepted := case when operation.version is not null then array[operation.version] end;
            if operation.op = 'create' then
                call create_task(p_user::text, operation.id, operation.title, operation.description, operation.status,
                    operation.priority, operation.tags, operation.due, operation.instant, p_context, p_actor, null, null, null,
                    done.outcome, done.version, done.id, done.body, done.replayed, done.rate);
            elsif operation.op = 'delete' then
                done := delete_task(p_user, operation.id::uuid, accepted, p_context, p_actor);
            elsif operation.op = 'restore' then
                done := restore_task(p_user, operation.id::uuid, accepted, p_context, p_actor);
            else
                done := update_task(p_user, operation.id::uuid, accepted, operation.title, operation.description,
                    operation.status, operation.priority, operation.tags, operation.set_due, operation.due::json,
                    operation.instant::timestamptz, operation.op = 'reopen', p_context, p_actor);
            end if;
            refused := refused or done.outcome not in ('made', 'changed', 'unchanged', 'deleted');
            results[operation.ordinality] := '{"outcome":"' || done.outcome || '"'
                || coalesce(',"version":' || done.version, '') || coalesce(',"task":' || done.body, '') || '}';
        end loop;
        result.outcome := 'changed';
        result.body := '[' || array_to_string(results, ',') || ']';
        if p_atomic and refused then
            -- Rolls back the block. Variables keep their values.
            raise exception using errcode = 'BATCH', message = 'an operation of an atomic batch was refused';
        end if;
        if p_key is not null then
            perform keep_answer(p_user, p_key, p_fingerprint, result);
        end if;
    exception when sqlstate 'BATCH' then
        result.outcome := 'refused';
    end;
    return result;
end
$$;
