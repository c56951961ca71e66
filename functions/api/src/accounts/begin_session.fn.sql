-- Starts a session: issues the first refresh token of a new family.
--
-- account    the user, whose row is locked
-- p_hash     SHA-256 of the refresh token, in hex
-- p_context  envelope members that come from the request, as JSON without its braces
create or replace function begin_session(account users, p_hash text, p_context text) returns void
language plpgsql volatile as $$
declare
    family constant uuid := gen_random_uuid();
begin
    perform issue_token(account.id, family, decode(p_hash, 'hex'));
    perform emit_account_event(account, 'user.login', p_context, '{"family":"' || family::text || '"}');
end
$$;
