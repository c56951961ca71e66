-- Changes an account; a null parameter leaves its field as it is, and what turns out to change nothing writes nothing.
-- A new timezone moves the instants of dues that are dates: each such task is changed, with its events.
-- `p_admin` is the admin who does it, null for the user; an account's role decides as it is now, not as a token says.
-- status: 200 changed or unchanged · 403 no admin any more · 404 no such user · 409 nobody would be an admin.
create or replace function update_account(
    p_user uuid, p_admin uuid, p_name text, p_timezone text, p_role text, p_context text, p_actor text, p_rate text[],
    out status integer, out body text, out rate text)
language plpgsql volatile as $$
declare
    old users;
    account users;
    moment timestamptz;
    tasks_moved bigint;
    previous text := '';
begin
    rate := take_rate(p_rate);
    if rate like 'wait%' then
        return;
    end if;
    if p_role is not null then
        -- Of two admins who demote each other at once, the second comes too late.
        perform pg_advisory_xact_lock(hashtext('spindle'), hashtext('roles'));
    end if;
    if p_admin is not null and not exists (select from users where id = p_admin and role = 'admin') then
        status := 403;
        return;
    end if;
    select * into old from users where id = p_user for no key update;
    if not found then
        status := 404;
        return;
    end if;
    if old.role = 'admin' and p_role <> 'admin' and not exists (
        select from users where role = 'admin' and id <> p_user) then
        status := 409;
        return;
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
        -- A name that only the API knows would fail much later.
        perform clock_timestamp() at time zone account.timezone;
    end if;
    if account.role <> old.role then
        previous := previous || ',"role":"' || old.role || '"';
    end if;
    status := 200;
    if previous = '' then
        body := user_json(account);
        return;
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
        ), told as (
            select emit_task_events(p_user, (task).id, 'task.updated', (task).seq, moment, p_context, p_actor,
                task_json(task), '{"due_at":"' || rfc3339(old_due_at) || '"}')
            from moved
            order by (task).seq
        )
        select count(*) into tasks_moved from told;
        account.sync_seq := account.sync_seq + tasks_moved;
    end if;
    update users set
        name = account.name, timezone = account.timezone, role = account.role, updated_at = moment,
        sync_seq = account.sync_seq
        where id = p_user;
    if account.role <> old.role then
        -- Sessions go on with the new role from their next refresh; a role that is taken away should not wait for that.
        update refresh_tokens set revoked_at = moment where user_id = p_user and revoked_at is null;
    end if;
    body := user_json(account);
    perform emit_account_event_by(account,
        case when account.role <> old.role then 'user.role-changed' else 'user.updated' end,
        p_context, '{"previous":{' || substr(previous, 2) || '}}', p_actor);
end
$$;
