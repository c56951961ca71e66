-- Replaces a user's password hash if it is still the one that was verified, ends every session and starts a new one.
--
-- p_user        the user
-- p_old, p_new  the password hash that was verified, and the new one
-- p_hash        SHA-256 of the new session's refresh token
-- p_context     envelope members that come from the request, as JSON without its braces
-- p_slot        hashing slot to release
--
-- Returns the user's role; null if another request has changed the password or the user does not exist.
create or replace function change_password(
    p_user uuid, p_old text, p_new text, p_hash bytea, p_context text, p_slot uuid, out role text)
language plpgsql volatile as $$
declare
    account users;
    family uuid := gen_random_uuid();
begin
    perform free_slot(p_slot);
    update users set password_hash = p_new, updated_at = clock_timestamp()
        where id = p_user and password_hash = p_old
        returning * into account;
    if not found then
        return;
    end if;
    update refresh_tokens set revoked_at = clock_timestamp() where user_id = p_user and revoked_at is null;
    perform issue_token(p_user, family, p_hash);
    perform emit_account_event(account, 'user.password-changed', p_context, '{"family":"' || family::text || '"}');
    role := account.role;
end
$$;
