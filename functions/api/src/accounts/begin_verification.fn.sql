-- Admits a request that proves the password of its caller, and reads the password hash to verify.
--
-- p_user      the user
-- p_rates, p_instance, p_most   see `begin_sign_in`
--
-- Returns what `begin_sign_in` returned, and the user's password hash; it is null if the user does not exist or the request is
-- not admitted.
create or replace procedure begin_verification(
    p_user text, p_rates text[], p_instance text, p_most integer, out rates text, out slot text, out password_hash text)
language plpgsql as $$
begin
    call begin_sign_in(p_rates, p_instance, p_most, rates, slot);
    if slot is not null then
        password_hash := (select u.password_hash from users u where u.id = p_user::uuid);
    end if;
end
$$;
