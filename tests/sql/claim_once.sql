-- A function that claims series, because a procedure cannot be explained.
create function pg_temp.claim_once() returns text
language plpgsql as $$
declare
    claimed text;
begin
    call claim_series(64, claimed);
    return claimed;
end
$$
