-- Ends the session that a refresh token belongs to, by revoking every token of its family.
--
-- p_hash     SHA-256 of the refresh token
-- p_context  envelope members that come from the request, as JSON without its braces
-- p_rate     see `begin_write`
--
-- Outcomes: deleted · missing (the token is unknown or its session has ended; no event is emitted) · limited.
create or replace function end_session(p_hash bytea, p_context text, p_rate text[]) returns write_result
language plpgsql volatile as $$
declare
    result write_result;
    token refresh_tokens;
    account users;
begin
    -- The user is not known yet; `session_owner` finds and locks the row.
    result := begin_write(null, p_rate, p_lock => false);
    if result.outcome is not null then
        return result;
    end if;
    result.outcome := 'missing';
    account := session_owner(p_hash);
    select * into token from refresh_tokens where hash = p_hash;
    if not found then
        return result;
    end if;
    update refresh_tokens set revoked_at = clock_timestamp() where family = token.family and revoked_at is null;
    if found then
        perform emit_account_event(
            account, 'user.token-revoked', p_context, '{"family":"' || token.family::text || '","reason":"logout"}');
        result.outcome := 'deleted';
    end if;
    return result;
end
$$;
