-- Admits a request that will hash a password, which costs tens of milliseconds of a core: charges its rate limits, and takes
-- one of the hashing slots of the API's process.
--
-- p_rates     the rate limits to charge, one after the other in one array; each has the eight elements that `admit` describes
-- p_instance  name of the process
-- p_most      number of its hashing slots
--
-- `rates` is what `charge_rate` returned for each, separated by commas; the first that begins with 'wait' is the last. `slot` is
-- null if a rate limit is exceeded or no slot is free.
create or replace procedure begin_sign_in(
    p_rates text[], p_instance text, p_most integer, out rates text, out slot text)
language plpgsql as $$
declare
    rate text;
    taken uuid;
begin
    for place in 1..cardinality(p_rates) by 8 loop
        rate := charge_rate(p_rates[place:place + 7], null);
        rates := concat_ws(',', rates, rate);
        exit when rate like 'wait%';
    end loop;
    -- Makes the charges durable. See `admit`.
    commit;
    if rate like 'wait%' then
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
