-- Emits an event about a wrong password and releases the hashing slot. There is no event for an unknown account (null
-- `p_user`); the API calls this all the same, so that the response time does not tell whether the account exists.
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
