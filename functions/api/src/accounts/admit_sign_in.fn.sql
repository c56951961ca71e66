-- Admits a request that will hash a password, which costs tens of milliseconds of a core: charges the rate limits of
-- the address and of the account, and takes one of the hashing slots of the API's process.
--
-- p_address, p_account  rate limits to charge, see `take_rate`
-- p_instance            name of the process
-- p_most                number of its hashing slots
--
-- `address_rate` and `account_rate` are what `take_rate` returned; the function stops at the first 'wait …'. `slot` is null
-- if a rate limit is exceeded or no slot is free.
create or replace function admit_sign_in(
    p_address text[], p_account text[], p_instance text, p_most integer,
    out address_rate text, out account_rate text, out slot text)
language plpgsql volatile as $$
declare
    taken uuid;
begin
    address_rate := take_rate(p_address);
    if address_rate like 'wait%' then
        return;
    end if;
    account_rate := take_rate(p_account);
    if account_rate like 'wait%' then
        return;
    end if;
    -- Serialises the count per process. No hash takes five seconds, so a process that died has left an older slot. A slot far
    -- ahead is from before the clock was stepped back.
    perform pg_advisory_xact_lock(hashtext('spindle hashes'), hashtext(p_instance));
    delete from hashes_running
    where instance = p_instance and until not between clock_timestamp() and clock_timestamp() + interval '1 minute';
    if (select count(*) from hashes_running where instance = p_instance) >= p_most then
        return;
    end if;
    insert into hashes_running (slot, instance, until)
        values (gen_random_uuid(), p_instance, clock_timestamp() + interval '5 seconds')
        returning hashes_running.slot into taken;
    slot := taken::text;
end
$$;
