-- Keeps an answer under its Idempotency-Key, in place of one that has expired, and clears away a few others that have:
-- more than one request brings, so the table stays as small as a day.
create or replace function keep_answer(
    p_user uuid, p_key text, p_fingerprint text, p_status integer, p_version bigint, p_location text, p_body text) returns void
language plpgsql volatile as $$
begin
    delete from idempotency_keys where ctid = any (array(
        select ctid from idempotency_keys where created_at < clock_timestamp() - interval '24 hours'
        order by created_at limit 3 for update skip locked));
    insert into idempotency_keys (user_id, key, fingerprint, status, version, location, body)
        values (p_user, p_key, p_fingerprint, p_status, p_version, p_location, p_body)
        on conflict (user_id, key) do update set
            fingerprint = excluded.fingerprint, status = excluded.status, version = excluded.version,
            location = excluded.location, body = excluded.body, created_at = excluded.created_at;
end
$$;
