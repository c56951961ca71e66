-- Gives back the place that `admit_sign_in` gave.
create or replace function free_slot(p_slot uuid) returns void
language plpgsql volatile as $$
begin
    delete from hashes_running where slot = p_slot;
end
$$;
