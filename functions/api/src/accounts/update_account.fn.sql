-- Changes an account. If all new values equal the old ones, it writes nothing. A new timezone moves `due_at` of tasks whose
-- due date is a day: each of them changes and emits its events, the first ones at once and the others by a job.
--
-- p_user     the user
-- p_admin    the admin who makes the change; null for the user. The admin's role is read from the table, because the role
--            in a token may be outdated.
-- p_name, p_timezone, p_role   null leaves the field as it is
-- p_old_preferences, p_preferences   the preferences of reminders that were read, and new ones, as JSON; null leaves them as they are
-- p_context  envelope members that come from the request, as JSON without its braces
-- p_actor    the actor of the events, as JSON
-- p_rate     see `admit_write`; a new timezone is also charged for the tasks that have a due date
--
-- The OUT parameters are the columns of `write_result`. Outcomes: changed · started (changed, and the job `id` moves
-- tasks) · unchanged · forbidden (`p_admin` is not an admin) · missing (an admin's request for an unknown user) · last_admin (no admin would be left) · unknown_timezone · stale (the preferences are not
-- those that were read) · limited · gone.
create or replace procedure update_account(
    p_user text, p_admin text, p_name text, p_timezone text, p_role text, p_old_preferences text, p_preferences text,
    p_context text, p_actor text, p_rate text[],
    out outcome text, out version bigint, out id text, out body text, out replayed boolean, out rate text)
language plpgsql as $$
declare
    owner constant uuid := p_user;
    admin constant uuid := p_admin;
    admitted boolean;
    old users;
    account users;
    moment timestamptz;
    dated bigint;
    job jobs;
    previous text := '';
begin
    -- It must not lock the row: the lock of the roles comes before it.
    call admit_write(owner, p_rate, null, null, false, outcome, version, id, body, replayed, rate);
    if outcome is not null then
        return;
    end if;
    if p_timezone <> (select timezone from users where users.id = owner) or p_preferences is not null then
        -- The charge comes before the work, because work that takes too long fails.
        dated := count(*) from tasks
            where user_id = owner and deleted_at is null and due_at is not null and due ->> 'date' is not null;
        call admit_rows(p_rate, dated, rate, admitted);
        if not admitted then
            outcome := 'limited';
            return;
        end if;
    end if;
    if p_role is not null then
        -- Serialises changes of roles. If two admins demote each other at once, the second one is not an admin any more
        -- and is refused.
        perform pg_advisory_xact_lock(hashtext('spindle'), hashtext('roles'));
    end if;
    if admin is not null and not exists (select from users where users.id = admin and role = 'admin') then
        outcome := 'forbidden';
        return;
    end if;
    select * into old from users where users.id = owner for no key update;
    if not found then
        outcome := case when admin is null then 'gone' else 'missing' end;
        return;
    end if;
    if old.role = 'admin' and p_role <> 'admin' and not exists (
        select from users where users.role = 'admin' and users.id <> owner) then
        outcome := 'last_admin';
        return;
    end if;

    account := old;
    account.name := coalesce(p_name, old.name);
    account.timezone := coalesce(p_timezone, old.timezone);
    account.role := coalesce(p_role, old.role);
    if p_preferences is not null then
        if old.preferences::text is distinct from p_old_preferences then
            outcome := 'stale';
            return;
        end if;
        account.preferences := p_preferences;
    end if;
    if account.name <> old.name then
        previous := previous || ',"name":' || to_json(old.name)::text;
    end if;
    if account.timezone <> old.timezone then
        previous := previous || ',"timezone":' || to_json(old.timezone)::text;
        if not is_timezone(account.timezone) then
            outcome := 'unknown_timezone';
            return;
        end if;
    end if;
    if account.role <> old.role then
        previous := previous || ',"role":"' || old.role || '"';
    end if;
    if account.preferences::jsonb is distinct from old.preferences::jsonb then
        previous := previous || ',"reminders":' || coalesce(old.preferences::text, 'null');
    end if;
    if previous = '' then
        outcome := 'unchanged';
        body := user_json(account);
        return;
    end if;

    moment := clock_timestamp();
    account.updated_at := moment;
    account.sync_seq := old.sync_seq + 1;
    account.account_seq := account.sync_seq;
    update users set name = account.name, timezone = account.timezone, role = account.role, preferences = account.preferences,
        updated_at = moment, sync_seq = account.sync_seq, account_seq = account.account_seq
        where users.id = owner;
    perform emit_user_changed(owner, account.account_seq, jsonb_build_object('account', account_item(account)::json), p_context, p_actor);
    -- The job also schedules reminders anew, which a new time of day moves.
    if account.timezone <> old.timezone
        or account.preferences ->> 'time' is distinct from old.preferences ->> 'time' then
        job := begin_job(owner, 'move_days', dated, json_build_object('context', p_context, 'actor', p_actor)::jsonb);
    end if;
    if account.role <> old.role then
        -- A session gets a new role only when it is refreshed. A revoked role must not last until then, so all sessions
        -- end.
        update refresh_tokens set revoked_at = moment where user_id = owner and revoked_at is null;
    end if;
    outcome := case when job.id is null or job.ended then 'changed' else 'started' end;
    id := case when outcome = 'started' then job.id end;
    body := user_json(account);
    perform emit_account_event_by(account,
        case when account.role <> old.role then 'user.role-changed' else 'user.updated' end,
        p_context, '{"previous":{' || substr(previous, 2) || '}}', p_actor);
end
$$;
