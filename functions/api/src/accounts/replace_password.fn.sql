-- Replaces a user's password hash if it is still the one that was verified, ends every session and starts a new one.
--
-- p_user        the user
-- p_old, p_new  the password hash that was verified, and the new one
-- p_hash        SHA-256 of the new session's refresh token, in hex
-- p_context     envelope members that come from the request, as JSON without its braces
-- p_slot        hashing slot to release
--
-- Returns the user's role; null if another request has changed the password or the user does not exist.
create or replace procedure replace_password(
    p_user text, p_old text, p_new text, p_hash text, p_context text, p_slot text, out role text)
language plpgsql as $$
declare
    owner constant uuid := p_user;
    account users;
    family uuid := gen_random_uuid();
begin
    -- Committed before the wait for the user's row, so that a user who is busy does not keep a slot from others.
    perform free_slot(p_slot::uuid);
    commit;
    update users set password_hash = p_new, updated_at = clock_timestamp()
        where id = owner and password_hash = p_old
        returning * into account;
    if not found then
        return;
    end if;
    update refresh_tokens set revoked_at = clock_timestamp() where user_id = owner and revoked_at is null;
    perform issue_token(owner, family, decode(p_hash, 'hex'));
    perform emit_account_event(account, 'user.password-changed', p_context, '{"family":"' || family::text || '"}');
    role := account.role;
end
$$;
