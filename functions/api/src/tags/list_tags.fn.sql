-- Reads one page of the tags of a user's live tasks, each with the number of tasks that have it, as people sort them. A tag is shown
-- as the oldest of these tasks has it.
--
-- p_user       the user
-- p_key, p_id  key (see `tag_key`) of the last tag of the page before and the id of its cursor; null for the first page. The key alone
--              determines the order, so the id is always nil
-- p_limit      page size
-- p_rate       see `admit`
--
-- Returns the items as a JSON array, and the last item's key and a nil id if more tags follow, else nulls. `rate` is that of
-- `admit`.
create or replace procedure list_tags(
    p_user text, p_key text, p_id text, p_limit bigint, p_rate text[],
    out items text, out next_key text, out next_id text, out rate text)
language plpgsql as $$
declare
    admitted boolean;
begin
    call admit(p_rate, rate, admitted);
    if not admitted then
        return;
    end if;
    with page as (
        select key, (array_agg(tag order by created_at, tasks.id))[1] as tag, count(distinct tasks.id) as tasks,
            row_number() over (order by key collate title_order) as place
        from tasks cross join unnest(tags, tag_keys) as one (tag, key)
        where user_id = p_user::uuid
            and deleted_at is null
            and (p_key is null or key collate title_order > p_key)
        group by key
        order by key collate title_order
        limit p_limit + 1
    )
    select
        '[' || coalesce(string_agg('{"tag":' || to_json(tag)::text || ',"count":' || tasks || '}', ',' order by place)
            filter (where place <= p_limit), '') || ']',
        case when count(*) > p_limit then max(key) filter (where place = p_limit) end,
        case when count(*) > p_limit then '00000000-0000-0000-0000-000000000000' end
        into items, next_key, next_id
        from page;
end
$$;
