-- Reads one page of a user's tasks: of the live ones, or of the deleted ones. A parameter that is null filters nothing.
--
-- p_user          id of the user
-- p_status        statuses, any of which a task must have
-- p_priority      priorities, any of which a task must have
-- p_tags          tags, all of which a task must have; see `tag_key` for which tags are equal
-- p_tags_any      tags, any of which a task must have
-- p_times         the ends of the ranges in which the times of a task must lie, see `time_bound`: after and before which it must be due,
--                 and in the same way created, updated and completed. A task without a time is in no range of that time
-- p_overdue       whether a task must be overdue, or must not
-- p_has_due       whether a task must have a due date, or none
-- p_series        id of the series of a recurring task
-- p_deleted       whether to read the deleted tasks
-- p_terms         search terms (see `compile_search`); an empty array finds nothing
-- p_sort          one or two sort keys: created_at, updated_at, due_at, completed_at, deleted_at, priority or title; or relevance alone
-- p_order         the direction of each sort key, asc or desc. Tasks without a due date come last in both. Tasks that are not completed
--                 come last in descending order of their completion, and first in ascending order
-- p_keys, p_id    sort keys (a text array) and id of the last task of the page before; null for the first page
-- p_limit         page size
-- p_count         whether to count the tasks that pass the filters
--
-- items     the tasks as a JSON array
-- next_keys, next_id   sort keys and id of the last task if more tasks follow, else null
-- ranked    with relevance, the number of matches that were ranked: the newest 1,000 at most; else null. It is 1,000, too, if the first
--           page was full of the best matches before so many were ranked, and the user has enough tasks for so many
-- total     the number of tasks that pass the filters, on all pages; 10,001 if there are more than 10,000; null without `p_count`
--
-- `ordered_page` and `ranked_page` find the tasks. Their statements are built from the parameters and planned each time. That is cheap
-- because they have no conditions for absent parameters.
create or replace function task_page(
    p_user uuid, p_status text[], p_priority text[], p_tags text[], p_tags_any text[], p_times text[], p_overdue boolean,
    p_has_due boolean, p_series text, p_deleted boolean, p_terms text[], p_sort text[], p_order text[], p_keys text, p_id text,
    p_limit bigint, p_count boolean,
    out items text, out next_keys text, out next_id text, out ranked bigint, out total bigint)
language plpgsql stable as $$
declare
    base text := ' from tasks where user_id = ' || quote_literal(p_user) || ' and deleted_at is '
        || case when p_deleted then 'not null' else 'null' end;
    filters constant text := task_filters(p_user, p_status, p_priority, p_tags, p_tags_any, p_times, p_overdue, p_has_due, p_series);
    found text;
    rank text;
    lexemes tsquery;
    page record;
begin
    if p_terms is not null then
        select compiled.condition, compiled.rank, compiled.lexemes into found, rank, lexemes
            from compile_search(p_user, p_terms) compiled;
    end if;
    if found = 'false' then
        items := '[]';
        ranked := case when p_sort[1] = 'relevance' then 0 end;
        total := case when p_count then 0 end;
        return;
    end if;
    -- An index has the open tasks in this order.
    if p_sort[1] in ('created_at', 'relevance') and not p_deleted and (p_overdue or p_status <@ '{open,in_progress}') then
        base := base || $sql$ and status in ('open', 'in_progress')$sql$;
    end if;
    if p_sort[1] = 'relevance' then
        page := ranked_page(base, filters, found, lexemes, rank, p_order[1], p_keys::text[], p_id, p_limit + 1);
        ranked := page.ranked;
    else
        page := ordered_page(base, filters, found, lexemes, p_sort, p_order, p_keys::text[], p_id, p_limit + 1);
    end if;
    if p_count then
        total := count_matches(base, filters, found, lexemes);
    end if;
    select '[' || coalesce(string_agg(task_json(task), ',' order by place), '') || ']' into items
        from unnest(page.ids) with ordinality as listed (id, place) join tasks task using (id)
        where place <= p_limit;
    if cardinality(page.ids) > p_limit then
        next_keys := page.keys[p_limit];
        next_id := page.ids[p_limit];
    end if;
end
$$;
