-- Returns the tasks of a user that pass a filter, without deleted ones. A parameter that is null filters nothing. Lists and
-- search share this function, so they filter alike.
--
-- p_user          id of the user
-- p_status        statuses, any of which a task must have
-- p_priority      priorities, any of which a task must have
-- p_tags          tags, all of which a task must have; see `tag_key` for which tags are equal
-- p_tags_any      tags, any of which a task must have
-- p_due_before, p_due_after   time that the due date must be before or after; without a due date, a task is not due before or
--                 after any time
-- p_overdue       whether a task must be overdue, or must not
-- p_series        id of the series of a recurring task
-- p_updated_after time after which a task must have been updated
-- p_terms         search terms (see `search_query`); an empty array finds nothing
--
-- The function is a single SQL query, so Postgres inlines it before planning. Parameters are constants by then, and conditions
-- whose parameter is null disappear.
--
-- For a search with many matches, reading tasks in the order of the list until a page is full is faster than reading all
-- matches from the search index. `coalesce` keeps the planner from using that index. For few matches the search index is faster.
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
        and (p_tags is null or (tag_keys <> '{}' and tag_keys @> tag_keys(p_tags)))
        and (p_tags_any is null or (tag_keys <> '{}' and tag_keys && tag_keys(p_tags_any)))
        and (p_due_before is null or coalesce(due_at, 'infinity') < p_due_before::timestamptz)
        and (p_due_after is null or (due_at is not null and coalesce(due_at, 'infinity') > p_due_after::timestamptz))
        and (p_overdue is null or (coalesce(due_at, 'infinity') < now() and status in ('open', 'in_progress')) = p_overdue)
        and (p_series is null or series_id = p_series::uuid)
        and (p_updated_after is null or updated_at > p_updated_after::timestamptz)
        and (p_terms is null or case
            when planner_hint_many_match(
                p_user, p_status, p_priority, p_tags, p_tags_any, p_due_before, p_due_after, p_overdue, p_series, p_updated_after,
                p_terms)
            then coalesce(search @@ search_query(p_user::uuid, p_terms, false), false)
            else search @@ search_query(p_user::uuid, p_terms, false)
        end)
$$;
