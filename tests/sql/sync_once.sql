-- A function that reads one page of what a client has to know, because a procedure cannot be explained.
create function pg_temp.sync_once(p_user text, p_after bigint, p_limit bigint) returns text
language plpgsql as $$
declare
    expired boolean;
    changes text;
    others text;
    id text;
    rate text;
    reached bigint;
    rank bigint;
    base bigint;
    issued bigint;
    newest bigint;
begin
    call sync_page(p_user, p_after, 9, '00000000-0000-0000-0000-000000000000', 0, extract(epoch from clock_timestamp())::bigint, p_limit, null,
        expired, changes, others, reached, rank, id, base, issued, newest, rate);
    return changes;
end
$$
