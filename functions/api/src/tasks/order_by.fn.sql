-- Returns ' order by key_1 desc, key_2, id' for columns with these names. Tasks whose keys are equal are in the order of their ids, in the
-- direction of the last key.
--
-- p_order   the directions of the sort keys, asc or desc
-- p_first   the number of the first key by which tasks are sorted
create or replace function order_by(p_order text[], p_first integer) returns text
language plpgsql immutable as $$
declare
    clause text := ' order by ';
begin
    for place in p_first..cardinality(p_order) loop
        clause := clause || 'key_' || place || case p_order[place] when 'desc' then ' desc, ' else ', ' end;
    end loop;
    return clause || case p_order[cardinality(p_order)] when 'desc' then 'id desc' else 'id' end;
end
$$;
