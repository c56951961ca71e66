-- A user's tasks that pass a filter; null filters nothing. A function so that lists and search have one filter. It is one plain
-- query, which Postgres puts in its caller's place before planning: every parameter is known by then, and what was not asked
-- for is gone.
-- Where many tasks match a search, they are read in the order asked for until a page is full (`coalesce` keeps the index of words
-- out of that); where few do, that index names all of them.
create or replace function matching_tasks(
    p_user text, p_status text[], p_priority text[], p_tags text[], p_tags_any text[], p_due_before text, p_due_after text,
    p_overdue boolean, p_series text, p_updated_after text, p_terms text[])
returns setof tasks
language sql stable parallel safe as $$
    select *
    from tasks
    where user_id = p_user::uuid
        and deleted_at is null
        and (p_status is null or status = any (p_status))
        and (p_priority is null or priority = any (p_priority))
        and (p_tags is null or tags @> p_tags)
        and (p_tags_any is null or tags && p_tags_any)
        and (p_due_before is null or coalesce(due_at, 'infinity') < p_due_before::timestamptz)
        and (p_due_after is null or (due_at is not null and coalesce(due_at, 'infinity') > p_due_after::timestamptz))
        and (p_overdue is null or (coalesce(due_at, 'infinity') < now() and status in ('open', 'in_progress')) = p_overdue)
        and (p_series is null or series_id = p_series::uuid)
        and (p_updated_after is null or updated_at > p_updated_after::timestamptz)
        and (p_terms is null or case
            when many_match(
                p_user, p_status, p_priority, p_tags, p_tags_any, p_due_before, p_due_after, p_overdue, p_series, p_updated_after,
                p_terms)
            then coalesce(search @@ search_query(p_user::uuid, p_terms, false), false)
            else search @@ search_query(p_user::uuid, p_terms, false)
        end)
$$;
