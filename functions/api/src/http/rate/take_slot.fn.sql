-- Takes one of the slots of a caller until the transaction ends, so that only a few requests of one caller are at work in
-- Postgres. It never waits: a request that waits would hold a connection, which others need.
--
-- p_rate  an array, see `admit`
--
-- Returns whether a slot was free.
create or replace function take_slot(p_rate text[]) returns boolean
language plpgsql volatile as $$
begin
    for slot in 1..p_rate[5]::integer loop
        if pg_try_advisory_xact_lock(hashtextextended(p_rate[6], slot)) then
            return true;
        end if;
    end loop;
    return false;
end
$$;
