-- Deletes an account with its sessions and kept answers. Each of its tasks stays as a tombstone. Events are emitted for
-- each task and then for the account; the last one identifies the account by its id alone.
--
-- p_user     the user
-- p_context  envelope members that come from the request, as JSON without its braces
-- p_actor    the actor of the tasks' events, as JSON
-- p_rate     see `begin_write`
--
-- Outcomes: deleted · limited · gone.
create or replace function delete_account(p_user uuid, p_context text, p_actor text, p_rate text[]) returns write_result
language plpgsql volatile as $$
declare
    result write_result;
    account users;
    moment timestamptz;
    tasks_deleted bigint;
begin
    -- It takes the stronger lock itself, below.
    result := begin_write(p_user, p_rate, p_lock => false);
    if result.outcome is not null then
        return result;
    end if;
    select * into account from users where id = p_user for update;
    if not found then
        result.outcome := 'gone';
        return result;
    end if;
    moment := clock_timestamp();
    with numbered as (
        select id, account.sync_seq + row_number() over (order by seq) as seq
        from tasks
        where user_id = p_user and deleted_at is null
    ), deleted as (
        update tasks t set version = t.version + 1, seq = n.seq, updated_at = moment, deleted_at = moment
        from numbered n
        where t.id = n.id
        returning t as task
    ), events as (
        select emit_task_events(p_user, (task).id, 'task.deleted', (task).seq, moment, p_context, p_actor,
            task_json(task), '{"deleted_at":null}')
        from deleted
        order by (task).seq
    )
    select count(*) into tasks_deleted from events;
    delete from idempotency_keys where user_id = p_user;
    delete from users where id = p_user;
    account.sync_seq := account.sync_seq + tasks_deleted;
    account.email := '';
    account.name := '';
    perform emit_account_event(account, 'user.deleted', p_context, '{"tasks":' || tasks_deleted || '}');
    result.outcome := 'deleted';
    return result;
end
$$;
