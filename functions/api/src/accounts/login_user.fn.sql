-- Starts a session for a user whose password was verified: issues the first refresh token of a new family.
--
-- p_user     the user
-- p_hash     SHA-256 of the refresh token
-- p_context  envelope members that come from the request, as JSON without its braces
-- p_slot     hashing slot to release
--
-- Returns the user's role; null if the user does not exist.
create or replace function login_user(p_user uuid, p_hash bytea, p_context text, p_slot uuid, out role text)
language plpgsql volatile as $$
declare
    account users;
    family uuid := gen_random_uuid();
begin
    perform free_slot(p_slot);
    select * into account from users where id = p_user for no key update;
    if not found then
        return;
    end if;
    delete from refresh_tokens where user_id = p_user and expires_at < clock_timestamp();
    perform issue_token(p_user, family, p_hash);
    perform emit_account_event(account, 'user.login', p_context, '{"family":"' || family::text || '"}');
    role := account.role;
end
$$;
