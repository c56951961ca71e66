-- Deletes an account: its sessions and kept answers go, each of its tasks leaves a tombstone, and all of it is told. What
-- is told last names the account by its id alone. `gone` is false where it was gone already.
create or replace function delete_account(p_user uuid, p_context text, p_actor text, p_rate text[], out rate text, out gone boolean)
language plpgsql volatile as $$
declare
    account users;
    moment timestamptz;
    tasks_gone bigint;
begin
    rate := take_rate(p_rate);
    if rate like 'wait%' then
        return;
    end if;
    select * into account from users where id = p_user for update;
    if not found then
        gone := false;
        return;
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
    ), told as (
        select emit_task_events(p_user, (task).id, 'task.deleted', (task).seq, moment, p_context, p_actor,
            task_json(task), '{"deleted_at":null}')
        from deleted
        order by (task).seq
    )
    select count(*) into tasks_gone from told;
    delete from idempotency_keys where user_id = p_user;
    delete from users where id = p_user;
    account.sync_seq := account.sync_seq + tasks_gone;
    account.email := '';
    account.name := '';
    perform emit_account_event(account, 'user.deleted', p_context, '{"tasks":' || tasks_gone || '}');
    gone := true;
end
$$;
