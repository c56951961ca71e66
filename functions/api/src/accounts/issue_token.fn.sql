-- Adds a refresh token to a session. It expires in thirty days.
--
-- p_user    the user
-- p_family  the session, which is a family of tokens
-- p_hash    SHA-256 of the token
create or replace function issue_token(p_user uuid, p_family uuid, p_hash bytea) returns void
language plpgsql volatile as $$
begin
    insert into refresh_tokens (hash, user_id, family, expires_at)
        values (p_hash, p_user, p_family, clock_timestamp() + interval '30 days');
end
$$;
