-- Reads one page of the tags of a user's live tasks, each with the number of tasks that have it, as people sort them. A tag is shown
-- as it was first written.
--
-- p_user       the user
-- p_key, p_id  key (see `tag_key`) of the last tag of the page before and the id of its cursor; null for the first page. The key alone
--              determines the order, so the id is always nil
-- p_limit      page size
-- p_rate       see `admit`
--
-- Returns the items as a JSON array, and the last item's key and a nil id if more tags follow, else nulls. `rate` is that of
-- `admit`.
create or replace procedure list_tag_counts(
    p_user text, p_key text, p_id text, p_limit bigint, p_rate text[],
    out items text, out next_key text, out next_id text, out rate text)
language plpgsql as $$
declare
    owner constant uuid := p_user;
    admitted boolean;
begin
    call admit(p_rate, rate, admitted);
    if not admitted then
        return;
    end if;
    perform count_more_tags(owner);
    -- One statement reads what is counted and what is not, so that no task is in both or in none.
    with uncounted as (
        select tag, tag_key(tag) as key, count(*) as count, min(created_at) as first_at
        from tasks cross join unnest(tags) as tag
        where user_id = owner and deleted_at is null
            and created_at > (select tags_counted_until from users where id = owner)
            -- Of a range, the planner expects few tasks, and of one comparison a third of all.
            and created_at <= (select 'infinity'::timestamptz)
        group by tag
    ), page as (
        select key, (array_agg(tag order by first_at, tag))[1] as tag, sum(count) as tasks,
            row_number() over (order by key collate title_order) as place
        from (
            select tag, key, count, first_at from tag_counts where user_id = owner
            union all
            select tag, key, count, first_at from uncounted
        ) spellings
        where p_key is null or key collate title_order > p_key
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
