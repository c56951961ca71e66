-- The user that a refresh token (`p_hash`, its SHA-256) belongs to, with nulls where nobody has it. It locks the user's
-- row, which every write locks first; so read the token after this call, to see what an earlier write made of it.
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
