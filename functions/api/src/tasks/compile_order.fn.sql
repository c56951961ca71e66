-- Compiles the order of a list into SQL, in which the sort keys are columns with the names key_1 and key_2.
--
-- p_sort, p_order   the sort keys, without relevance, and their directions, see `task_page`
-- p_keys, p_id      sort keys and id of the last task of the page before; null for the first page
--
-- key_columns  the sort keys, to follow other columns: ', created_at as key_1'
-- key_names    the names of the sort keys
-- order_by     ' order by key_1 desc, id desc'. Tasks whose keys are equal are in the order of their ids, in the direction of the last key
-- after_page   the conditions of the tasks after the page before: those with the same first key, and those with later ones. Each begins
--              with ' and '. One empty condition for the first page
create or replace function compile_order(
    p_sort text[], p_order text[], p_keys text[], p_id text,
    out key_columns text, out key_names text[], out order_by text, out after_page text[])
language plpgsql immutable as $$
declare
    keys constant integer := cardinality(p_sort);
    expressions text[];
    types text[];
    descending boolean;
begin
    key_columns := '';
    order_by := ' order by ';
    after_page := '{""}';
    for place in 1..keys loop
        descending := p_order[place] = 'desc';
        expressions[place] := case p_sort[place]
            when 'due_at' then format('coalesce(due_at, %L)', case when descending then '-infinity' else 'infinity' end)
            when 'completed_at' then $sql$coalesce(completed_at, '-infinity')$sql$
            when 'priority' then $sql$array_position('{low,medium,high,urgent}', priority)$sql$
            when 'title' then 'title collate title_order'
            else p_sort[place]
        end;
        types[place] := case p_sort[place] when 'priority' then 'integer' when 'title' then 'text' else 'timestamptz' end;
        key_columns := key_columns || format(', %s as key_%s', expressions[place], place);
        key_names[place] := format('key_%s', place);
        order_by := order_by || format('key_%s%s, ', place, case when descending then ' desc' end);
    end loop;
    order_by := order_by || case when descending then 'id desc' else 'id' end;
    if p_keys is null then
        return;
    end if;
    after_page[1] := format(' and (%s, id) %s (%L::%s, %L)',
        expressions[keys], case when descending then '<' else '>' end, p_keys[keys], types[keys], p_id);
    if keys = 2 then
        after_page[2] := format(' and %s %s %L::%s',
            expressions[1], case p_order[1] when 'desc' then '<' else '>' end, p_keys[1], types[1]);
        after_page[1] := format(' and %s = %L::%s', expressions[1], p_keys[1], types[1]) || after_page[1];
    end if;
end
$$;
