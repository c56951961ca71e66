-- Adds a refresh token (`p_hash`, its SHA-256) to a session, which is a family of tokens. It expires in thirty days.
create or replace function issue_token(p_user uuid, p_family uuid, p_hash bytea) returns void
language plpgsql volatile as $$
begin
    insert into refresh_tokens (hash, user_id, family, expires_at)
        values (p_hash, p_user, p_family, clock_timestamp() + interval '30 days');
end
$$;
