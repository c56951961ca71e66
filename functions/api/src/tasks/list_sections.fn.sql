-- Divides a list into sections that come one after the other, each of which can be read in the order of an index.
--
-- An index has the order of one sort key. With two keys, tasks with the same first key are sorted by the second. That is fast if few
-- tasks share a first key. But many can share a priority, or have no due date or no time of completion. Each of these values is a section
-- in the order of the second key, and tasks with other values are a section in the order of both keys. A page that follows another one
-- begins with the tasks that share the first key of its last task.
--
-- p_sort, p_order, p_keys, p_id   see `task_page`; p_keys is an array. What precedes the page is in no section
--
-- start     a condition on the place in the order, which begins with ' and '; empty if the section begins where the list does
-- shared    the condition that the first key has the value of the section; null if it has several
-- order_by  the order of the section, see `order_by`
create or replace function list_sections(p_sort text[], p_order text[], p_keys text[], p_id text)
returns table (start text, shared text, order_by text)
language plpgsql immutable as $$
declare
    last constant integer := cardinality(p_sort);
    first_key constant text := sort_key(p_sort[1], p_order[1]);
    later constant text[] := array(select case direction when 'desc' then '<' else '>' end from unnest(p_order) direction);
    -- The tasks after the page before, of those with the same keys but the last.
    after_last constant text := case
        when p_keys is null then ''
        else format(' and (%s, id) %s (%L, %L)', sort_key(p_sort[last], p_order[last]), later[last], p_keys[last], p_id)
    end;
    -- The values of the first key that many tasks can share, in order. Null stands for all others.
    shared_values constant text[] := case
        -- There is an index of these two.
        when last = 1 or (p_sort = '{priority,due_at}' and p_order = '{desc,asc}') then array[null]
        else case p_sort[1] || ' ' || p_order[1]
            when 'priority asc' then array['1', '2', '3', '4']
            when 'priority desc' then array['4', '3', '2', '1']
            when 'due_at asc' then array[null, 'infinity']
            when 'due_at desc' then array[null, '-infinity']
            when 'completed_at asc' then array['-infinity', null]
            when 'completed_at desc' then array[null, '-infinity']
            else array[null]
        end
    end;
    -- Where the page begins.
    first_place constant integer := case
        when p_keys is null then 1
        else coalesce(array_position(shared_values, p_keys[1]), array_position(shared_values, null))
    end;
begin
    for place in first_place..cardinality(shared_values) loop
        start := case when place = first_place then after_last else '' end;
        order_by := order_by(p_order, last);
        if shared_values[place] is not null then
            shared := format('%s = %L', first_key, shared_values[place]);
        elsif last = 2 then
            if start <> '' then
                shared := format('%s = %L', first_key, p_keys[1]);
                return next;
                start := format(' and %s %s %L', first_key, later[1], p_keys[1]);
            end if;
            start := start || case
                when 'infinity' = any (shared_values) then format(' and %s < %L', first_key, 'infinity')
                when '-infinity' = any (shared_values) then format(' and %s > %L', first_key, '-infinity')
                else ''
            end;
            shared := null;
            order_by := order_by(p_order, 1);
        end if;
        return next;
    end loop;
end
$$;
