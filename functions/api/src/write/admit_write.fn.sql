-- The start of every write to a user's data: admits the request, locks the user's row, and looks up the kept answer of an
-- Idempotency-Key.
--
-- p_user         the user whose data is written
-- p_rate         see `admit`; null for the operations of a batch, which is admitted as a whole
-- p_key          the Idempotency-Key; null if the request has none
-- p_fingerprint  identifies the request that the key belongs to; null if `p_key` is null
-- p_lock         whether to lock; false if the caller locks the row itself or needs no lock. A write with a key must lock
--
-- The row lock orders one user's writes. A second request with the same key waits here for the first one and then finds
-- its answer, which serves the client better than a conflict and a retry.
--
-- The OUT parameters are the columns of `write_result`. If `outcome` is null, the caller does its work. Otherwise the caller
-- returns them unchanged. Outcomes: limited (`rate` says why) · gone (no such user) · key_reused (the key belongs to another
-- request) · or the outcome of the kept answer, with `replayed` true.
create or replace procedure admit_write(
    p_user uuid, p_rate text[], p_key text, p_fingerprint text, p_lock boolean,
    out outcome text, out version bigint, out id text, out body text, out replayed boolean, out rate text)
language plpgsql as $$
declare
    admitted boolean;
    kept idempotency_keys;
begin
    replayed := false;
    call admit(p_rate, rate, admitted);
    if not admitted then
        outcome := 'limited';
        return;
    end if;
    if p_lock then
        perform from users where users.id = p_user for no key update;
        if not found then
            outcome := 'gone';
            return;
        end if;
    end if;
    if p_key is not null then
        select * into kept from idempotency_keys
            where user_id = p_user and key = p_key and created_at > clock_timestamp() - interval '24 hours';
        if kept.fingerprint = p_fingerprint then
            outcome := kept.outcome;
            version := kept.version;
            id := kept.id;
            body := kept.body;
            replayed := true;
        elsif found then
            outcome := 'key_reused';
        end if;
    end if;
end
$$;
