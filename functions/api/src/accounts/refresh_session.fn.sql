-- Exchanges a refresh token for the next one of its family.
--
-- p_hash, p_next_hash  SHA-256 of the token and of its successor
-- p_context            envelope members that come from the request, as JSON without its braces
-- p_address, p_user    see `admit_session`
--
-- A token that was replaced up to 30 seconds ago is accepted again: a client may retry after a lost response, or have a
-- second tab open. A later reuse means that the token was stolen. Which of the two clients is the thief is unknown, so the
-- whole family is revoked.
--
-- Returns the user's id and role; nulls if the token is invalid or the request is not admitted. `known` and `rate` are those of
-- `admit_session`.
create or replace procedure refresh_session(
    p_hash text, p_next_hash text, p_context text, p_address text[], p_user text[],
    out user_id text, out role text, out known boolean, out rate text)
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
    if not found or token.revoked_at is not null or token.expires_at < clock_timestamp() then
        return;
    end if;
    if token.replaced_at < clock_timestamp() - interval '30 seconds' then
        update refresh_tokens set revoked_at = clock_timestamp() where family = token.family and revoked_at is null;
        perform emit_account_event(
            account, 'user.token-revoked', p_context, '{"family":"' || token.family::text || '","reason":"reuse"}');
        return;
    end if;
    update refresh_tokens set replaced_at = clock_timestamp() where hash = presented and replaced_at is null;
    perform issue_token(account.id, token.family, decode(p_next_hash, 'hex'));
    perform emit_account_event(account, 'user.token-refreshed', p_context, '{"family":"' || token.family::text || '"}');
    user_id := account.id;
    role := account.role;
end
$$;
