-- Admits a request that presents a refresh token. Who has a valid one is a user, whose own rate limit is charged: neither wrong
-- tries at the password nor other clients of the same address keep a user's devices from refreshing their sessions. Unknown
-- tokens are charged to the address.
--
-- p_hash     SHA-256 of the token
-- p_address  the address's rate limit, see `admit`
-- p_user     the user's rate limit, without the user: the key ends with a slash, and the caller is empty
--
-- `known` tells whether the token is known, and so which rate limit was charged. `rate` and `admitted` are those of `admit`.
create or replace procedure admit_session(
    p_hash bytea, p_address text[], p_user text[], out known boolean, out rate text, out admitted boolean)
language plpgsql as $$
declare
    owner constant text := (select t.user_id from refresh_tokens t where t.hash = p_hash);
begin
    known := owner is not null;
    if known then
        p_user[1] := p_user[1] || owner;
        p_user[6] := owner;
        call admit(p_user, rate, admitted);
    else
        call admit(p_address, rate, admitted);
    end if;
end
$$;
