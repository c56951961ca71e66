-- The audit entries that match a filter. Lists and exports share it. A parameter that is null filters nothing.
--
-- p_user         id of the user whose entries to return
-- p_task         id of the task that the events are about
-- p_type         event type
-- p_actor        id or type of the actor
-- p_from, p_to   earliest time (inclusive) and latest time (exclusive) of the events
-- p_correlation  correlation id
--
-- Returns rows of `audit_logs`. The body is one plain query, which Postgres inlines into the calling statement. So the
-- planner knows all parameters and removes the conditions of those that are null.
create or replace function matching_entries(
    p_user text, p_task text, p_type text, p_actor text, p_from text, p_to text, p_correlation text)
returns setof audit_logs
language sql stable parallel safe as $$
    select *
    from audit_logs
    where (p_user is null or user_id = p_user::uuid)
        and (p_task is null or task_id = p_task::uuid)
        and (p_type is null or type = p_type)
        and (p_actor is null or p_actor in (actor_id, actor_type))
        and (p_from is null or time >= p_from::timestamptz)
        and (p_to is null or time < p_to::timestamptz)
        and (p_correlation is null or correlation_id = p_correlation)
$$;
