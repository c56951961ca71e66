-- Exchanges a refresh token for the next one of its family.
--
-- p_hash, p_next_hash  SHA-256 of the token and of its successor
-- p_context            envelope members that come from the request, as JSON without its braces
-- p_rate               rate limit to charge, see `take_rate`
--
-- A token that was replaced up to 30 seconds ago is accepted again: a client may retry after a lost response, or have a
-- second tab open. A later reuse means that the token was stolen. Which of the two clients is the thief is unknown, so the
-- whole family is revoked.
--
-- Returns the user's id and role; nulls if the token is invalid or the rate limit is exceeded. `rate` is what
-- `take_rate` returned.
create or replace function refresh_session(
    p_hash bytea, p_next_hash bytea, p_context text, p_rate text[],
    out user_id uuid, out role text, out rate text)
language plpgsql volatile as $$
declare
    token refresh_tokens;
    account users;
begin
    rate := take_rate(p_rate);
    if rate like 'wait%' then
        return;
    end if;
    account := session_owner(p_hash);
    select * into token from refresh_tokens where hash = p_hash;
    if not found or token.revoked_at is not null or token.expires_at < clock_timestamp() then
        return;
    end if;
    if token.replaced_at < clock_timestamp() - interval '30 seconds' then
        update refresh_tokens set revoked_at = clock_timestamp() where family = token.family and revoked_at is null;
        perform emit_account_event(
            account, 'user.token-revoked', p_context, '{"family":"' || token.family::text || '","reason":"reuse"}');
        return;
    end if;
    update refresh_tokens set replaced_at = clock_timestamp() where hash = p_hash and replaced_at is null;
    perform issue_token(account.id, token.family, p_next_hash);
    perform emit_account_event(account, 'user.token-refreshed', p_context, '{"family":"' || token.family::text || '"}');
    user_id := account.id;
    role := account.role;
end
$$;
