-- Takes the next number of a user's sequence. The caller holds the user's row lock, and gives the number to what it changes and to one
-- event on the topic `task-updates`.
create or replace function next_seq(p_user uuid) returns bigint
language plpgsql volatile as $$
declare
    taken bigint;
begin
    update users set sync_seq = sync_seq + 1 where id = p_user returning sync_seq into taken;
    return taken;
end
$$;
