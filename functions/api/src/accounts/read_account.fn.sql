-- Reads the account of the user who asks.
--
-- p_user  the user
-- p_rate  see `admit`
--
-- Returns the account as JSON; null if there is none or the request is not admitted. `rate` is that of `admit`.
create or replace procedure read_account(p_user text, p_rate text[], out account text, out rate text)
language plpgsql as $$
declare
    admitted boolean;
begin
    call admit(p_rate, rate, admitted);
    if admitted then
        account := (select user_json(u) from users u where u.id = p_user::uuid);
    end if;
end
$$;
