-- Emits an event about a wrong password and releases the hashing slot.
--
-- p_user     the user; null for an unknown account. That emits no event, but the API still calls this function, so that
--            the response time does not tell whether the account exists.
-- p_context  envelope members that come from the request, as JSON without its braces
-- p_slot     hashing slot to release
create or replace function login_failed(p_user uuid, p_context text, p_slot uuid) returns void
language plpgsql volatile as $$
declare
    account users;
begin
    perform free_slot(p_slot);
    select * into account from users where id = p_user for no key update;
    if found then
        perform emit_account_event(account, 'user.login-failed', p_context, '{"reason":"wrong-password"}');
    end if;
end
$$;
