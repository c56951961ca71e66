-- Emits an event about a wrong password and releases the hashing slot.
--
-- p_user     the user; null for an unknown account. That emits no event, but waits for the disk as the event does, so that the
--            response time does not tell whether the account exists.
-- p_context  envelope members that come from the request, as JSON without its braces
-- p_slot     hashing slot to release
--
-- `told` is whether there is an event.
create or replace procedure refuse_login(p_user text, p_context text, p_slot text, out told boolean)
language plpgsql as $$
declare
    account users;
begin
    -- Committed before the wait for the user's row, so that a user who is busy does not keep a slot from others.
    perform free_slot(p_slot::uuid);
    commit;
    select * into account from users where id = p_user::uuid for no key update;
    told := found;
    if told then
        perform emit_account_event(account, 'user.login-failed', p_context, '{"reason":"wrong-password"}');
    else
        -- A logical message that nobody reads: the commit flushes it, as it flushes the row of an event.
        perform pg_logical_emit_message(true, 'spindle', 'login failed');
    end if;
end
$$;
