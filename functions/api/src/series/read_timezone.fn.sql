-- Reads the timezone of an account.
--
-- p_user  the user
-- p_rate  see `admit`
--
-- Returns null if there is no such user or the request is not admitted. `rate` is that of `admit`.
create or replace procedure read_timezone(p_user text, p_rate text[], out timezone text, out rate text)
language plpgsql as $$
declare
    admitted boolean;
begin
    call admit(p_rate, rate, admitted);
    if not admitted then
        return;
    end if;
    select users.timezone into timezone from users where users.id = p_user::uuid;
end
$$;
