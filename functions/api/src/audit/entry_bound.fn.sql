-- The instant of one end of a range of audit entries.
--
-- p_bound  an instant; or a day (see `time_bound`) and, after a space, the id of the user in whose timezone it begins
create or replace function entry_bound(p_bound text) returns timestamptz
language plpgsql stable parallel safe as $$
begin
    if p_bound like '%T%' then
        return p_bound;
    end if;
    return time_bound(
        split_part(p_bound, ' ', 1), false, (select timezone from users where id = split_part(p_bound, ' ', 2)::uuid));
end
$$;
