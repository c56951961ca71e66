-- Admits a request: charges its rate limit, commits, and takes a slot. The procedures that clients' requests call do this first.
--
-- p_rate  an array: key, quota, seconds in which the whole quota is restored, cost of this request, number of slots of the
--         caller, the caller whose slots they are. Null charges nothing, takes no slot and does not commit: the operations of a
--         batch are admitted as a whole.
--
-- `rate` is what the caller is told: what `charge_rate` returned, after 'busy ' if no slot is free; null for a null `p_rate`. If
-- `admitted` is false, the procedure that calls this one returns at once.
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
    elsif not take_slot(p_rate) then
        rate := 'busy ' || rate;
        admitted := false;
    end if;
end
$$;
