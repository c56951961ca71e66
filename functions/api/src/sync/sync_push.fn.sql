-- Applies what a client has done offline, in order.
--
-- p_user        the user
-- p_operations  a JSON array of operations, see `sync_operation`; each also has `fingerprint`, which is the same for the same content
-- p_atomic      whether a refused operation rolls back all
-- p_after       the number that the client had reached; null if it does not say
-- p_context     envelope members that come from the request, as JSON without its braces
-- p_actor       the actor of the events, as JSON
-- p_rate        see `admit_write`
--
-- The OUT parameters are the columns of `write_result`. Outcomes: changed · refused (all operations were rolled back: the batch is atomic and
-- an operation was refused, or a description has to be merged first) · limited · gone.
--   id        the number that the client has reached, a dot, and now in seconds since 1970. That number is the last one of the user, or `p_after` if the client misses changes
--             from before the batch
--   body      a JSON array with the result of each operation, see `sync_operation`. An operation that was handled before has the result that
--             it had then. One more outcome: reused (`op_id` belongs to another operation)
create or replace procedure sync_push(
    p_user text, p_operations text, p_atomic boolean, p_after bigint, p_context text, p_actor text, p_rate text[],
    out outcome text, out version bigint, out id text, out body text, out replayed boolean, out rate text)
language plpgsql as $$
declare
    owner constant uuid := p_user;
    operation json;
    place bigint;
    before bigint;
    handled sync_operations;
    verdict text;
    result text;
    results text[] := '{}';
    -- By task, see `own` of `sync_operation`.
    own jsonb := '{}';
    mine jsonb;
    refused boolean := false;
    needs_text boolean := false;
begin
    call admit_write(owner, p_rate, null, null, true, outcome, version, id, body, replayed, rate);
    if outcome is not null then
        return;
    end if;
    select sync_seq into before from users where users.id = owner;
    begin
        for operation, place in select o.value, o.ordinality from json_array_elements(p_operations::json) with ordinality o loop
            select * into handled from sync_operations s where s.user_id = owner and s.op_id = operation ->> 'op_id';
            if found then
                results[place] := case when handled.fingerprint = operation ->> 'fingerprint' then handled.result
                    else '{"outcome":"reused"}' end;
                refused := refused or handled.fingerprint <> operation ->> 'fingerprint';
                continue;
            end if;
            select o.verdict, o.result, o.own into verdict, result, mine
                from sync_operation(owner, operation, own -> (operation ->> 'id'), p_context, p_actor) o;
            results[place] := result;
            needs_text := needs_text or verdict = 'text';
            if verdict in ('applied', 'merged', 'conflict') then
                own := own || jsonb_build_object(operation ->> 'id', mine);
            else
                refused := true;
            end if;
            if verdict not in ('invalid', 'text') then
                insert into sync_operations (user_id, op_id, fingerprint, result)
                    values (owner, operation ->> 'op_id', operation ->> 'fingerprint', result);
            end if;
        end loop;
        outcome := 'changed';
        body := '[' || array_to_string(results, ',') || ']';
        if needs_text or p_atomic and refused then
            -- Rolls back the block. Variables keep their values.
            raise exception using errcode = 'BATCH', message = 'the batch is not applied';
        end if;
    exception when sqlstate 'BATCH' then
        outcome := 'refused';
    end;
    id := case when p_after < before then p_after else (select sync_seq from users where users.id = owner) end
        || '.' || extract(epoch from clock_timestamp())::bigint;
end
$$;
