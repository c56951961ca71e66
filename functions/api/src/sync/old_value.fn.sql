-- The tags or the description that a task had in a version, as JSON.
--
-- task       the task as it is
-- p_field    `tags` or `description`
-- p_version  the version, not older than 30 days
create or replace function old_value(task tasks, p_field text, p_version bigint) returns jsonb
language plpgsql stable as $$
begin
    if p_field = 'tags' then
        return to_jsonb(coalesce(
            (select o.tags from old_values o where o.task_id = task.id and o.version >= p_version and o.tags is not null
                order by o.version limit 1),
            task.tags));
    end if;
    return to_jsonb(coalesce(
        (select o.description from old_values o where o.task_id = task.id and o.version >= p_version and o.description is not null
            order by o.version limit 1),
        task.description));
end
$$;
