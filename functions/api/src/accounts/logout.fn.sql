-- Ends the session of a refresh token: every token of its family. Of a session that has ended already, nothing is told.
create or replace function end_session(p_hash bytea, p_context text) returns void
language plpgsql volatile as $$
declare
    token refresh_tokens;
    account users;
begin
    select * into token from refresh_tokens where hash = p_hash;
    if not found then
        return;
    end if;
    -- The user's row first, as everywhere.
    select * into account from users where id = token.user_id for no key update;
    update refresh_tokens set revoked_at = clock_timestamp() where family = token.family and revoked_at is null;
    if found then
        perform emit_account_event(
            account, 'user.token-revoked', p_context, '{"family":"' || token.family::text || '","reason":"logout"}');
    end if;
end
$$;
