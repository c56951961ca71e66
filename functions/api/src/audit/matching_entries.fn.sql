-- The audit entries that match a filter. Lists and exports share it. A parameter that is null filters nothing.
--
-- p_user         id of the user whose entries to return
-- p_task         id of the task that the events are about
-- p_type         event type
-- p_actor        id or type of the actor
-- p_from, p_to   earliest time (inclusive) and latest time (exclusive) of the events, see `entry_bound`
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
        -- Ids of users are UUIDs, and other actors have names. The planner knows the parameters, so one branch remains. All but the
        -- second and the third have an index; those two match most entries, so that the order of the list finds them soon.
        and case
            when p_actor is null then true
            when p_actor = 'user' then actor_type = 'user'
            when p_actor = p_user then actor_id = p_actor
            when p_actor !~ '^[0-9a-f-]{36}$' then
                actor_type <> 'user' and actor_id <> user_id::text and p_actor in (actor_id, actor_type)
            when p_user is null then actor_id = p_actor
            else actor_id <> user_id::text and actor_id = p_actor
        end
        and (p_from is null or time >= entry_bound(p_from))
        and (p_to is null or time < entry_bound(p_to))
        and (p_correlation is null or correlation_id = p_correlation)
$$;
