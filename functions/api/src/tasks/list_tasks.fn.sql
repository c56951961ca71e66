-- Reads one page of a user's tasks.
--
-- p_user ... p_count   see `task_page`
-- p_rate               see `admit`
--
-- The OUT parameters are those of `task_page`; nulls if the request is not admitted. `rate` is that of `admit`.
create or replace procedure list_tasks(
    p_user text, p_status text[], p_priority text[], p_tags text[], p_tags_any text[], p_times text[], p_overdue boolean,
    p_has_due boolean, p_series text, p_deleted boolean, p_terms text[], p_sort text[], p_order text[], p_keys text, p_id text,
    p_limit bigint, p_count boolean, p_rate text[],
    out items text, out next_keys text, out next_id text, out ranked bigint, out total bigint, out rate text)
language plpgsql as $$
declare
    admitted boolean;
begin
    call admit(p_rate, rate, admitted);
    if not admitted then
        return;
    end if;
    select page.items, page.next_keys, page.next_id, page.ranked, page.total into items, next_keys, next_id, ranked, total
        from task_page(
            p_user::uuid, p_status, p_priority, p_tags, p_tags_any, p_times, p_overdue, p_has_due, p_series, p_deleted, p_terms,
            p_sort, p_order, p_keys, p_id, p_limit, p_count) page;
end
$$;
