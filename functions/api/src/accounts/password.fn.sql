-- Replaces a user's password if it is still the one that was checked, ends every session and begins one. Returns the
-- user's role, or null where the password is another by now or the user is gone.
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
