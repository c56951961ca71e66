-- Admits a login and reads the password hash to verify.
--
-- p_email     the email
-- p_rates, p_instance, p_most   see `begin_sign_in`
--
-- Returns what `begin_sign_in` returned, and the user's id and password hash; both are null if there is no such account or the
-- login is not admitted.
create or replace procedure begin_login(
    p_email text, p_rates text[], p_instance text, p_most integer,
    out rates text, out slot text, out user_id text, out password_hash text)
language plpgsql as $$
begin
    call begin_sign_in(p_rates, p_instance, p_most, rates, slot);
    if slot is not null then
        select u.id::text, u.password_hash into user_id, password_hash from users u where lower(u.email) = lower(p_email);
    end if;
end
$$;
