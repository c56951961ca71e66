-- Ends the session that a refresh token belongs to, by revoking every token of its family.
--
-- p_hash     SHA-256 of the refresh token
-- p_context  envelope members that come from the request, as JSON without its braces
-- p_address, p_user   see `admit_session`
--
-- An unknown token and one whose session has ended do nothing. `known` and `rate` are those of `admit_session`.
create or replace procedure end_session(
    p_hash text, p_context text, p_address text[], p_user text[], out known boolean, out rate text)
language plpgsql as $$
declare
    presented constant bytea := decode(p_hash, 'hex');
    admitted boolean;
    token refresh_tokens;
    account users;
begin
    call admit_session(presented, p_address, p_user, known, rate, admitted);
    if not admitted then
        return;
    end if;
    account := session_owner(presented);
    select * into token from refresh_tokens where hash = presented;
    if not found then
        return;
    end if;
    update refresh_tokens set revoked_at = clock_timestamp() where family = token.family and revoked_at is null;
    if found then
        perform emit_account_event(
            account, 'user.token-revoked', p_context, '{"family":"' || token.family::text || '","reason":"logout"}');
    end if;
end
$$;
