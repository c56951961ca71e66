-- Makes an account. status: 201 · 409 the email is taken.
create or replace function register_user(
    p_email text, p_password_hash text, p_name text, p_timezone text, p_context text, p_slot uuid,
    out status integer, out body text)
language plpgsql volatile as $$
declare
    account users;
begin
    perform free_slot(p_slot);
    -- The API's list of timezones and the database's may differ; a name that only one knows would fail much later.
    perform clock_timestamp() at time zone p_timezone;
    insert into users (id, email, password_hash, name, timezone)
        values (uuid_v7(), p_email, p_password_hash, p_name, p_timezone)
        on conflict do nothing
        returning * into account;
    if not found then
        status := 409;
        return;
    end if;
    perform emit_account_event(account, 'user.registered', p_context, '{}');
    status := 201;
    body := user_json(account);
end
$$;
