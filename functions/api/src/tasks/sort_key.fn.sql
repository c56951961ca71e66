-- Returns the expression by which the tasks of a list are sorted, in the form that indexes have.
--
-- p_key        a sort key other than relevance, see `task_page`
-- p_direction  asc or desc
create or replace function sort_key(p_key text, p_direction text) returns text
language plpgsql immutable as $$
begin
    return case p_key
        -- Tasks without a due date come last in both directions.
        when 'due_at' then format('coalesce(due_at, %L)', case p_direction when 'desc' then '-infinity' else 'infinity' end)
        when 'completed_at' then $sql$coalesce(completed_at, '-infinity')$sql$
        when 'priority' then $sql$array_position('{low,medium,high,urgent}', priority)$sql$
        when 'title' then 'title collate title_order'
        else p_key
    end;
end
$$;
