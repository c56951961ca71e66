-- The start of every write to a user's data: charges the rate limit, locks the user's row, and looks up the kept answer
-- of an Idempotency-Key. All three are part of the statement that does the work, so a refused request changes nothing
-- else.
--
-- p_user         the user whose data is written
-- p_rate         rate limit to charge, see `take_rate`; null charges nothing (a batch is charged as a whole, not each of
--                its operations)
-- p_key          the Idempotency-Key; null if the request has none
-- p_fingerprint  identifies the request that the key belongs to; null if `p_key` is null
-- p_lock         whether to lock; false if the caller locks the row itself or needs no lock. A write with a key must lock
--
-- The row lock orders one user's writes. A second request with the same key waits here for the first one and then finds
-- its answer, which serves the client better than a conflict and a retry.
--
-- Returns a `write_result`. If its outcome is null, the caller does its work. Otherwise the caller returns the result
-- unchanged. Outcomes: limited · gone (no such user) · key_reused (the key belongs to another request) · or the outcome of
-- the kept answer, with `replayed` true. `rate` is what `take_rate` returned.
create or replace function begin_write(
    p_user uuid, p_rate text[], p_key text default null, p_fingerprint text default null, p_lock boolean default true)
    returns write_result
language plpgsql volatile as $$
declare
    result write_result;
    kept idempotency_keys;
begin
    result.replayed := false;
    result.rate := take_rate(p_rate);
    if result.rate like 'wait%' then
        result.outcome := 'limited';
        return result;
    end if;
    if p_lock then
        perform from users where users.id = p_user for no key update;
        if not found then
            result.outcome := 'gone';
            return result;
        end if;
    end if;
    if p_key is not null then
        select * into kept from idempotency_keys
            where user_id = p_user and key = p_key and created_at > clock_timestamp() - interval '24 hours';
        if kept.fingerprint = p_fingerprint then
            result.outcome := kept.outcome;
            result.version := kept.version;
            result.id := kept.id;
            result.body := kept.body;
            result.replayed := true;
        elsif found then
            result.outcome := 'key_reused';
        end if;
    end if;
    return result;
end
$$;
