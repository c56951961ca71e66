-- Deletes an account with its sessions. From then on it does not exist for its owner. A job removes its tasks and emits their
-- events, because an account may have more tasks than one statement can remove, see `close_account_step`.
--
-- p_user      the user
-- p_verified  the password hash that was verified
-- p_slot      hashing slot to release
-- p_context   envelope members that come from the request, as JSON without its braces
-- p_actor     the actor of the events, as JSON
--
-- Outcomes: deleted · stale (the password has changed since it was verified) · last_admin (no admin would be left) · gone.
-- Answers that the account has kept for idempotency keys expire within a day. `rate` is null: `admit_sign_in` has charged the request.
create or replace function close_account(
    p_user uuid, p_verified text, p_slot uuid, p_context text, p_actor text) returns write_result
language plpgsql volatile as $$
declare
    result write_result;
    account users;
    tasks bigint;
begin
    result.replayed := false;
    perform free_slot(p_slot);
    -- Serialises changes of roles, see `update_account`. It comes before the lock of the row there, too.
    perform pg_advisory_xact_lock(hashtext('spindle'), hashtext('roles'));
    select * into account from users where id = p_user for update;
    if not found then
        result.outcome := 'gone';
        return result;
    end if;
    if account.password_hash <> p_verified then
        result.outcome := 'stale';
        result.version := 0;
        return result;
    end if;
    if account.role = 'admin' and not exists (select from users where role = 'admin' and id <> p_user) then
        result.outcome := 'last_admin';
        return result;
    end if;
    select count(*) into tasks from tasks t where t.user_id = p_user and t.deleted_at is null;
    delete from users where id = p_user;
    account.email := '';
    account.name := '';
    perform emit_account_event(account, 'user.deleted', p_context, '{"tasks":' || tasks || '}');
    perform start_job(p_user, 'close_account', tasks, json_build_object(
        'seq', account.sync_seq, 'context', p_context, 'actor', p_actor)::jsonb);
    result.outcome := 'deleted';
    return result;
end
$$;
