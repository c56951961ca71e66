-- Notes a wrong password. For an unknown account there is nobody to note it for; the API asks all the same, so that the
-- time of the answer tells nothing.
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
