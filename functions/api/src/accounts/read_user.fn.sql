-- Reads one account for an admin.
--
-- p_user    the user
-- p_caller  the user who asks; the role in the caller's token may be outdated
-- p_rate    see `admit`
--
-- The OUT parameters are those of `list_users`: `items` is the account as JSON, null if there is none.
create or replace procedure read_user(
    p_user text, p_caller text, p_rate text[],
    out items text, out next_key text, out next_id text, out is_admin boolean, out rate text)
language plpgsql as $$
declare
    admitted boolean;
begin
    call admit(p_rate, rate, admitted);
    if not admitted then
        return;
    end if;
    is_admin := exists (select from users u where u.id = p_caller::uuid and u.role = 'admin');
    if is_admin then
        items := (select user_json(u) from users u where u.id = p_user::uuid);
    end if;
end
$$;
