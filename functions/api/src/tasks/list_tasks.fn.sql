-- Reads one page of a user's tasks.
--
-- p_user ... p_limit   see `task_page`
-- p_rate               see `admit`
--
-- The OUT parameters are those of `task_page`; nulls if the request is not admitted. `rate` is that of `admit`.
create or replace procedure list_tasks(
    p_user text, p_status text[], p_priority text[], p_tags text[], p_tags_any text[], p_due_before text, p_due_after text,
    p_overdue boolean, p_series text, p_updated_after text, p_terms text[], p_times text[], p_has_due boolean, p_sort text,
    p_descending boolean, p_key text, p_id text, p_limit bigint, p_rate text[],
    out items text, out next_key text, out next_id text, out ranked bigint, out rate text)
language plpgsql as $$
declare
    admitted boolean;
begin
    call admit(p_rate, rate, admitted);
    if not admitted then
        return;
    end if;
    select page.items, page.next_key, page.next_id, page.ranked into items, next_key, next_id, ranked
        from task_page(
            p_user::uuid, p_status, p_priority, p_tags, p_tags_any, p_due_before, p_due_after, p_overdue, p_series,
            p_updated_after, p_terms, p_times, p_has_due, p_sort, p_descending, p_key, p_id, p_limit) page;
end
$$;
