-- A hint to the planner: whether many tasks of a user match a filter and a search. Postgres has no statistics about the words of
-- one user, so this function counts the matches among the newest 1,000 tasks. Parameters as in `matching_tasks`.
--
-- The function is declared immutable, although it reads a table, so that Postgres calls it while it plans the statement. That is
-- safe because the result chooses between two plans with equal results.
create or replace function planner_hint_many_match(
    p_user text, p_status text[], p_priority text[], p_tags text[], p_tags_any text[], p_due_before text, p_due_after text,
    p_overdue boolean, p_series text, p_updated_after text, p_terms text[])
returns boolean
language plpgsql immutable parallel safe as $$
declare
    query constant tsquery := search_query(p_user::uuid, p_terms, false);
begin
    return count(*) > 70
    from matching_tasks(
        p_user, p_status, p_priority, p_tags, p_tags_any, p_due_before, p_due_after, p_overdue, p_series, p_updated_after, null
    )
    where coalesce(search @@ query, false)
        and created_at >= (
            select created_at from tasks where user_id = p_user::uuid and deleted_at is null
            order by created_at desc, id desc
            offset 1000 limit 1
        );
end
$$;
