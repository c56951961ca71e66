-- Whose session a refresh token belongs to, with the user's row locked first, as everywhere: what is read of the token
-- after this is how it is by now. Nulls where nobody has the token.
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
