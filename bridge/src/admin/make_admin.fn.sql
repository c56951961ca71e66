-- Creates an account and makes it an admin. Returns true if it did, false if the email is taken.
-- It emits the events of a registration and of a change of role, so the audit trail records both.
-- p_context holds the context members of these events (JSON text), p_actor who created the admin (JSON text).
create or replace function make_admin(
    p_email text, p_password_hash text, p_name text, p_context text, p_actor text) returns boolean
language plpgsql volatile as $$
declare
    made write_result;
    done write_result;
begin
    made := register_user(p_email, p_password_hash, p_name, 'UTC', null, p_context, null);
    if made.outcome <> 'made' then
        return false;
    end if;
    call update_account(made.id, null, null, null, 'admin', null, null, p_context, p_actor, null,
        done.outcome, done.version, done.id, done.body, done.replayed, done.rate);
    return true;
end
$$;
