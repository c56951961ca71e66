-- Releases the hashing slot `p_slot` of `begin_sign_in`. Does nothing for null.
create or replace function free_slot(p_slot uuid) returns void
language plpgsql volatile as $$
begin
    delete from hashes_running where slot = p_slot;
end
$$;
