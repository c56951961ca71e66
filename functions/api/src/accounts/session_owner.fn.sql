-- Returns the user of a refresh token and locks the user's row, which every write locks first. All fields are null if the
-- token is unknown. The caller must read the token after this call: an earlier write that held the lock may have revoked
-- it.
--
-- p_hash  SHA-256 of the token
create or replace function session_owner(p_hash bytea) returns users
language plpgsql volatile as $$
declare
    account users;
begin
    select u.* into account
        from refresh_tokens t join users u on u.id = t.user_id
        where t.hash = p_hash
        for no key update of u;
    return account;
end
$$;
