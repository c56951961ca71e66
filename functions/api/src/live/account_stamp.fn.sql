-- A number that changes with the role and the password of an account. A live connection lasts only as long as it stays the same.
create or replace function account_stamp(account users) returns bigint
language sql immutable as $$
    select hashtextextended(account.role || ' ' || account.password_hash, 0)
$$;
