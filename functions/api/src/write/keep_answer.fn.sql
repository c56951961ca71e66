-- Keeps the answer to a request under its Idempotency-Key for 24 hours, and replaces an expired answer of the same key. Refusals
-- are kept too, because a key stands for one request. Does nothing for a request without a key.
-- The bridge removes expired answers (see `sweep_expired`).
--
-- p_user         the user who sent the request; the caller has locked the user's row
-- p_key          the Idempotency-Key, or null
-- p_fingerprint  identifies the request that the key belongs to
-- p_answer       the result to return to a repeated request
create or replace function keep_answer(p_user uuid, p_key text, p_fingerprint text, p_answer write_result) returns void
language plpgsql volatile as $$
begin
    if p_key is null then
        return;
    end if;
    insert into idempotency_keys (user_id, key, fingerprint, outcome, version, id, body)
        values (p_user, p_key, p_fingerprint, p_answer.outcome, p_answer.version, p_answer.id, p_answer.body)
        on conflict (user_id, key) do update set
            fingerprint = excluded.fingerprint, outcome = excluded.outcome, version = excluded.version, id = excluded.id,
            body = excluded.body, created_at = excluded.created_at;
end
$$;
