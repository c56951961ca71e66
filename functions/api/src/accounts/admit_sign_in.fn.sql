-- What must be had before a password is hashed, which costs tens of milliseconds of a processor: what the address and the
-- account may still try, and one of `p_most` places in this process (`p_instance`). A rate that says 'wait …' took nothing,
-- and nothing after it was tried. `slot` is null where all places are taken.
create or replace function admit_sign_in(
    p_address text[], p_account text[], p_instance text, p_most integer,
    out address_rate text, out account_rate text, out slot text)
language plpgsql volatile as $$
declare
    place uuid;
begin
    address_rate := take_rate(p_address);
    if address_rate like 'wait%' then
        return;
    end if;
    account_rate := take_rate(p_account);
    if account_rate like 'wait%' then
        return;
    end if;
    -- One at a time counts the places of a process. No hash takes five seconds: what is older was left by a process that died.
    perform pg_advisory_xact_lock(hashtext('spindle hashes'), hashtext(p_instance));
    delete from hashes_running where instance = p_instance and until < clock_timestamp();
    if (select count(*) from hashes_running where instance = p_instance) >= p_most then
        return;
    end if;
    insert into hashes_running (slot, instance, until)
        values (gen_random_uuid(), p_instance, clock_timestamp() + interval '5 seconds')
        returning hashes_running.slot into place;
    slot := place::text;
end
$$;
