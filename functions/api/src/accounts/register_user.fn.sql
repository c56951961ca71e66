-- Creates an account.
--
-- p_email, p_password_hash, p_name, p_timezone   the account's fields
-- p_hash     SHA-256 of the refresh token with which the user is signed in at once, in hex; null for no session
-- p_context  envelope members that come from the request, as JSON without its braces
-- p_slot     hashing slot to release
--
-- Outcomes: made · taken (the email is in use) · unknown_timezone. `rate` is null: `begin_sign_in` has charged the
-- request.
create or replace function register_user(
    p_email text, p_password_hash text, p_name text, p_timezone text, p_hash text, p_context text, p_slot uuid)
returns write_result
language plpgsql volatile as $$
declare
    result write_result;
    account users;
begin
    result.replayed := false;
    perform free_slot(p_slot);
    if not is_timezone(p_timezone) then
        result.outcome := 'unknown_timezone';
        return result;
    end if;
    insert into users (id, email, password_hash, name, timezone)
        values (uuid_v7(), p_email, p_password_hash, p_name, p_timezone)
        on conflict do nothing
        returning * into account;
    if not found then
        result.outcome := 'taken';
        return result;
    end if;
    perform emit_account_event(account, 'user.registered', p_context, '{}');
    if p_hash is not null then
        perform begin_session(account, p_hash, p_context);
    end if;
    result.outcome := 'made';
    result.id := account.id;
    result.body := user_json(account);
    return result;
end
$$;
