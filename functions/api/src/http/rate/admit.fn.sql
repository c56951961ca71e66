-- Admits a request: charges its rate limit, commits, and takes a slot. The procedures that clients' requests call do this first.
--
-- p_rate  an array: key, quota, seconds in which the whole quota is restored, cost of this request, number of slots of the
--         caller, the caller whose slots they are, the ids of the caller and of the user whose data the request is about (both
--         empty if nobody is signed in). Null charges nothing, takes no slot and does not commit: the operations of a batch are
--         admitted as a whole.
--
-- `rate` is what the caller is told: what `charge_rate` returned; null for a null `p_rate`. A word before it says why the request
-- is not admitted: 'busy ' if no slot is free, 'gone ' if the caller's account was deleted after the access token was issued,
-- 'unknown ' if the user does not exist. If `admitted` is false, the procedure that calls this one returns at once.
--
-- The commit makes the charge durable before the work waits or runs, so a request that fails is charged too, and other requests
-- of the caller do not wait for the lock of the charge. It does not wait for the disk, because `rate_limits` is unlogged. A
-- commit is possible only in a CALL that is a statement of its own, and not inside a block with an exception clause.
create or replace procedure admit(p_rate text[], out rate text, out admitted boolean)
language plpgsql as $$
begin
    admitted := true;
    if p_rate is null then
        return;
    end if;
    rate := charge_rate(p_rate, null);
    commit;
    if rate like 'wait%' then
        admitted := false;
    elsif p_rate[7] <> '' and not exists (select from users where id = p_rate[7]::uuid) then
        rate := 'gone ' || rate;
        admitted := false;
    elsif p_rate[8] <> p_rate[7] and not exists (select from users where id = p_rate[8]::uuid) then
        rate := 'unknown ' || rate;
        admitted := false;
    elsif not take_slot(p_rate) then
        rate := 'busy ' || rate;
        admitted := false;
    end if;
end
$$;
