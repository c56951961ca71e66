-- Deletes an account with its sessions and kept answers. Each of its tasks stays as a tombstone. Events are emitted for
-- each task and then for the account; the last one identifies the account by its id alone.
--
-- p_user     the user
-- p_context  envelope members that come from the request, as JSON without its braces
-- p_actor    the actor of the tasks' events, as JSON
-- p_rate     see `admit_write`; the request is also charged for the tasks of the user
--
-- The OUT parameters are the columns of `write_result`. Outcomes: deleted · limited · gone.
create or replace procedure delete_account(
    p_user text, p_context text, p_actor text, p_rate text[],
    out outcome text, out version bigint, out id text, out body text, out replayed boolean, out rate text)
language plpgsql as $$
declare
    owner constant uuid := p_user;
    admitted boolean;
    account users;
    moment timestamptz;
    tasks_deleted bigint;
begin
    -- It takes the stronger lock itself, below.
    call admit_write(owner, p_rate, null, null, false, outcome, version, id, body, replayed, rate);
    if outcome is not null then
        return;
    end if;
    -- The charge comes before the work, because work that takes too long fails.
    tasks_deleted := count(*) from tasks where user_id = owner and deleted_at is null;
    call admit_rows(p_rate, tasks_deleted, rate, admitted);
    if not admitted then
        outcome := 'limited';
        return;
    end if;
    select * into account from users where users.id = owner for update;
    if not found then
        outcome := 'gone';
        return;
    end if;
    moment := clock_timestamp();
    with numbered as (
        select tasks.id, account.sync_seq + row_number() over (order by seq) as seq
        from tasks
        where user_id = owner and deleted_at is null
    ), deleted as (
        update tasks t set version = t.version + 1, seq = n.seq, updated_at = moment, deleted_at = moment
        from numbered n
        where t.id = n.id
        returning t as task
    ), events as (
        select emit_task_events(owner, (task).id, 'task.deleted', (task).seq, moment, p_context, p_actor,
            task_json(task), '{"deleted_at":null}')
        from deleted
        order by (task).seq
    )
    select count(*) into tasks_deleted from events;
    delete from idempotency_keys where user_id = owner;
    delete from users where users.id = owner;
    account.sync_seq := account.sync_seq + tasks_deleted;
    account.email := '';
    account.name := '';
    perform emit_account_event(account, 'user.deleted', p_context, '{"tasks":' || tasks_deleted || '}');
    outcome := 'deleted';
end
$$;
