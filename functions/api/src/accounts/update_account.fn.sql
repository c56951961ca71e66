-- Changes an account. If all new values equal the old ones, it writes nothing. A new timezone moves `due_at` of tasks whose
-- due date is a day: each of them changes and emits its events.
--
-- p_user     the user
-- p_admin    the admin who makes the change; null for the user. The admin's role is read from the table, because the role
--            in a token may be outdated.
-- p_name, p_timezone, p_role   null leaves the field as it is
-- p_context  envelope members that come from the request, as JSON without its braces
-- p_actor    the actor of the events, as JSON
-- p_rate     see `begin_write`
--
-- Outcomes: changed · unchanged · forbidden (`p_admin` is not an admin) · missing (an admin's request for an unknown user) ·
-- last_admin (no admin would be left) · unknown_timezone · limited · gone.
create or replace function update_account(
    p_user uuid, p_admin uuid, p_name text, p_timezone text, p_role text, p_context text, p_actor text, p_rate text[])
    returns write_result
language plpgsql volatile as $$
declare
    result write_result;
    old users;
    account users;
    moment timestamptz;
    tasks_moved bigint;
    previous text := '';
begin
    -- `begin_write` must not lock the row: the lock of the roles comes before it.
    result := begin_write(p_user, p_rate, p_lock => false);
    if result.outcome is not null then
        return result;
    end if;
    if p_role is not null then
        -- Serialises changes of roles. If two admins demote each other at once, the second one is not an admin any more
        -- and is refused.
        perform pg_advisory_xact_lock(hashtext('spindle'), hashtext('roles'));
    end if;
    if p_admin is not null and not exists (select from users where id = p_admin and role = 'admin') then
        result.outcome := 'forbidden';
        return result;
    end if;
    select * into old from users where id = p_user for no key update;
    if not found then
        result.outcome := case when p_admin is null then 'gone' else 'missing' end;
        return result;
    end if;
    if old.role = 'admin' and p_role <> 'admin' and not exists (
        select from users where role = 'admin' and id <> p_user) then
        result.outcome := 'last_admin';
        return result;
    end if;

    account := old;
    account.name := coalesce(p_name, old.name);
    account.timezone := coalesce(p_timezone, old.timezone);
    account.role := coalesce(p_role, old.role);
    if account.name <> old.name then
        previous := previous || ',"name":' || to_json(old.name)::text;
    end if;
    if account.timezone <> old.timezone then
        previous := previous || ',"timezone":' || to_json(old.timezone)::text;
        if not is_timezone(account.timezone) then
            result.outcome := 'unknown_timezone';
            return result;
        end if;
    end if;
    if account.role <> old.role then
        previous := previous || ',"role":"' || old.role || '"';
    end if;
    if previous = '' then
        result.outcome := 'unchanged';
        result.body := user_json(account);
        return result;
    end if;

    moment := clock_timestamp();
    account.updated_at := moment;
    if account.timezone <> old.timezone then
        with dated as (
            select id, due_at as old_due_at, due_at(due, null, account.timezone) as new_due_at, seq
            from tasks
            where user_id = p_user and deleted_at is null and due_at is not null and due ->> 'date' is not null
        ), numbered as (
            select *, account.sync_seq + row_number() over (order by seq) as new_seq
            from dated
            where new_due_at <> old_due_at
        ), moved as (
            update tasks t set version = t.version + 1, seq = n.new_seq, updated_at = moment, due_at = n.new_due_at
            from numbered n
            where t.id = n.id
            returning t as task, n.old_due_at
        ), events as (
            select emit_task_events(p_user, (task).id, 'task.updated', (task).seq, moment, p_context, p_actor,
                task_json(task), '{"due_at":"' || rfc3339(old_due_at) || '"}')
            from moved
            order by (task).seq
        )
        select count(*) into tasks_moved from events;
        account.sync_seq := account.sync_seq + tasks_moved;
    end if;
    update users set
        name = account.name, timezone = account.timezone, role = account.role, updated_at = moment,
        sync_seq = account.sync_seq
        where id = p_user;
    if account.role <> old.role then
        -- A session gets a new role only when it is refreshed. A revoked role must not last until then, so all sessions
        -- end.
        update refresh_tokens set revoked_at = moment where user_id = p_user and revoked_at is null;
    end if;
    result.outcome := 'changed';
    result.body := user_json(account);
    perform emit_account_event_by(account,
        case when account.role <> old.role then 'user.role-changed' else 'user.updated' end,
        p_context, '{"previous":{' || substr(previous, 2) || '}}', p_actor);
    return result;
end
$$;
