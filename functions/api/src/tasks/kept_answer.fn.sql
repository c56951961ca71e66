-- The answer that is kept under an Idempotency-Key: its status is null where this is the first request with the key, or has none,
-- and 422 where the key belongs to another one. The caller holds the user's row lock, so whoever was first has answered.
create or replace function kept_answer(p_user uuid, p_key text, p_fingerprint text) returns idempotency_keys
language plpgsql volatile strict as $$
declare
    kept idempotency_keys;
begin
    select * into kept from idempotency_keys
        where user_id = p_user and key = p_key and created_at > clock_timestamp() - interval '24 hours';
    if kept.fingerprint <> p_fingerprint then
        kept.status := 422;
    end if;
    return kept;
end
$$;
