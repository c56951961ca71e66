-- Ends the session of a refresh token: every token of its family. Of a session that has ended already, nothing is told.
create or replace function end_session(p_hash bytea, p_context text, p_rate text[], out rate text)
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
