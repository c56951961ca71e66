-- The entries of one user, or of everybody where that is null, that pass a filter; null filters nothing. A function so that lists
-- and exports have one filter. It is one plain query, which Postgres puts in its caller's place before planning: every parameter is
-- known by then, and what was not asked for is gone.
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
