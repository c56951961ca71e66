-- Makes an existing account an admin.
--
-- p_email    email, compared without regard to case
-- p_context  context members of the event (JSON text)
-- p_actor    the actor (JSON text)
--
-- Returns the outcome of the change; null if there is no account with this email.
create or replace function promote_user(p_email text, p_context text, p_actor text) returns text
language plpgsql volatile as $$
declare
    account constant text := (select u.id from users u where lower(u.email) = lower(p_email));
    done write_result;
begin
    if account is null then
        return null;
    end if;
    call update_account(account, null, null, null, 'admin', null, null, p_context, p_actor, null,
        done.outcome, done.version, done.id, done.body, done.replayed, done.rate);
    return done.outcome;
end
$$;
