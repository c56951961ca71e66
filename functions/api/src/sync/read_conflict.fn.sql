-- Reads one conflict of a user.
--
-- p_user  the user
-- p_id    the conflict
-- p_rate  see `admit`
--
-- Returns its JSON; null if there is no such conflict or the request is not admitted. `rate` is that of `admit`.
create or replace procedure read_conflict(p_user text, p_id text, p_rate text[], out body text, out rate text)
language plpgsql as $$
declare
    admitted boolean;
begin
    call admit(p_rate, rate, admitted);
    if not admitted then
        return;
    end if;
    select conflict_json(c) into body from conflicts c where c.id = p_id::uuid and c.user_id = p_user::uuid;
end
$$;
