-- Starts a session for a user whose password was verified: issues the first refresh token of a new family.
--
-- p_user      the user
-- p_verified  the password hash that was verified. The password may have changed while it was verified, and the change has ended
--             all sessions; so a session starts only while the account still has this hash.
-- p_hash      SHA-256 of the refresh token, in hex
-- p_context   envelope members that come from the request, as JSON without its braces
-- p_slot      hashing slot to release
--
-- Returns the user's role; null if the user does not exist or has another password.
create or replace procedure start_session(
    p_user text, p_verified text, p_hash text, p_context text, p_slot text, out role text)
language plpgsql as $$
declare
    owner constant uuid := p_user;
    account users;
begin
    -- Committed before the wait for the user's row, so that a user who is busy does not keep a slot from others.
    perform free_slot(p_slot::uuid);
    commit;
    select * into account from users where id = owner and password_hash = p_verified for no key update;
    if not found then
        return;
    end if;
    perform begin_session(account, p_hash, p_context);
    role := account.role;
end
$$;
