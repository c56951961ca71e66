-- SQL functions that write answer with a named outcome (`made`, `stale`, `missing`, ...). Only the API's Rust code
-- knows which HTTP status and URL belong to an outcome (`Outcome` in functions/api/src/write.rs lists them all).
--
-- Every such function returns one row of this type; columns that do not apply are null:
--   outcome   what became of the write
--   version   the task's version: the new one after a change, the current one where the outcome is `stale`
--   id        the id of what was made
--   body      what was written, as JSON
--   replayed  whether this is the kept answer to an earlier request with the same Idempotency-Key
--   rate      what `take_rate` returned
create type write_result as (outcome text, version bigint, id text, body text, replayed boolean, rate text);

-- A kept answer consists of the same columns. Answers that are kept already replay as before: their outcomes and ids
-- follow from their statuses and locations. The body of a batch listed HTTP statuses and problems; it now lists
-- outcomes. A kept batch is the only answer without a version, and an operation that was invalid (422) keeps its
-- faults.
alter table idempotency_keys add column outcome text, add column id text;
update idempotency_keys set
    outcome = case status when 201 then 'made' else 'changed' end,
    id = substr(location, length('/api/tasks/') + 1);
update idempotency_keys set body = (
    select '[' || coalesce(string_agg(
        case result ->> 'status'
            when '201' then '{"outcome":"made","task":' || (result -> 'task')::text || '}'
            when '200' then '{"outcome":"changed","task":' || (result -> 'task')::text || '}'
            when '204' then '{"outcome":"deleted"}'
            when '404' then '{"outcome":"missing"}'
            when '409' then '{"outcome":"taken"}'
            when '412' then '{"outcome":"stale","version":' || substring(result #>> '{problem,detail}' from '[0-9]+$') || '}'
            else '{"faults":' || coalesce((result #> '{problem,errors}')::text, '[]') || '}'
        end, ',' order by ordinality), '') || ']'
    from json_array_elements(body::json -> 'results') with ordinality as results (result, ordinality))
    where version is null;
alter table idempotency_keys alter column outcome set not null;
-- Nothing reads or writes `status` and `location` any more; a later migration drops them.
alter table idempotency_keys alter column status drop not null;

-- `create or replace` cannot change what a function returns, so those whose result changes go here; `bridge migrate`
-- loads their successors right after the migrations. In between, requests of an API that is still running fail. That is
-- acceptable only because no release with the old functions exists: later changes of a signature get a new name.
drop procedure if exists create_task;
drop function if exists update_task;
drop function if exists delete_task;
drop function if exists restore_task;
drop function if exists batch_tasks;
drop function if exists rename_tag;
drop function if exists update_account;
drop function if exists register_user;
drop function if exists delete_account;
drop function if exists end_session;
drop function if exists keep_answer;
drop function if exists kept_answer;
