-- Reads the preferences of reminders of an account.
--
-- p_user  the user
-- p_rate  see `admit`
--
-- Returns null for the defaults, or if the request is not admitted. `rate` is that of `admit`.
create or replace procedure read_preferences(p_user text, p_rate text[], out preferences text, out rate text)
language plpgsql as $$
declare
    admitted boolean;
begin
    call admit(p_rate, rate, admitted);
    if not admitted then
        return;
    end if;
    select users.preferences::text into preferences from users where users.id = p_user::uuid;
end
$$;
