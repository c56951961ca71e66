-- Deletes an account with its sessions. From then on it does not exist for its owner. A job removes its tasks and emits their
-- events, because an account may have more tasks than one statement can remove, see `close_account_step`.
--
-- p_user      the user
-- p_verified  the password hash that was verified
-- p_slot      hashing slot to release
-- p_context   envelope members that come from the request, as JSON without its braces
-- p_actor     the actor of the events, as JSON
-- p_rate      see `admit`; `begin_verification` has charged the request, and this procedure charges the tasks
--
-- The OUT parameters are the columns of `write_result`. Outcomes: deleted · stale (the password has changed since it was verified) · last_admin (no admin would be left) ·
-- limited · gone. Answers that the account has kept for idempotency keys expire within a day.
create or replace procedure close_account(
    p_user text, p_verified text, p_slot text, p_context text, p_actor text, p_rate text[],
    out outcome text, out version bigint, out id text, out body text, out replayed boolean, out rate text)
language plpgsql as $$
declare
    owner constant uuid := p_user;
    account users;
    tasks bigint;
    admitted boolean;
begin
    replayed := false;
    -- Committed before the wait for the user's row, so that a user who is busy does not keep a slot from others.
    perform free_slot(p_slot::uuid);
    commit;
    -- Tombstones are removed, too.
    tasks := (select count(*) from tasks t where t.user_id = owner and t.deleted_at is null)
        + (select count(*) from tasks t where t.user_id = owner and t.deleted_at is not null);
    call admit_rows(p_rate, tasks, rate, admitted);
    if not admitted then
        outcome := 'limited';
        return;
    end if;
    -- Serialises changes of roles, see `update_account`. It comes before the lock of the row there, too.
    perform pg_advisory_xact_lock(hashtext('spindle'), hashtext('roles'));
    select * into account from users where users.id = owner for update;
    if not found then
        outcome := 'gone';
        return;
    end if;
    if account.password_hash <> p_verified then
        outcome := 'stale';
        version := 0;
        return;
    end if;
    if account.role = 'admin' and not exists (select from users where role = 'admin' and users.id <> owner) then
        outcome := 'last_admin';
        return;
    end if;
    select count(*) into tasks from tasks t where t.user_id = owner and t.deleted_at is null;
    delete from users where users.id = owner;
    account.email := '';
    account.name := '';
    perform emit_account_event(account, 'user.deleted', p_context, '{"tasks":' || tasks || '}');
    perform start_job(owner, 'close_account', tasks, json_build_object(
        'seq', account.sync_seq, 'context', p_context, 'actor', p_actor)::jsonb);
    outcome := 'deleted';
end
$$;
