-- Reads one page of accounts for an admin, newest first (ids begin with the time of creation).
--
-- p_email, p_role  email and role that accounts must have; null for any
-- p_key, p_id      key of the cursor (always empty: the id alone determines the order) and last id of the page before; null for
--                  the first page
-- p_limit          page size
-- p_caller         the user who asks; the role in the caller's token may be outdated
-- p_rate           see `admit`
--
-- Returns the accounts as a JSON array; an empty key and the last account's id if more accounts follow, else nulls; whether the
-- caller is an admin now. All are null if the request is not admitted. `rate` is that of `admit`.
create or replace procedure list_users(
    p_email text, p_role text, p_key text, p_id text, p_limit bigint, p_caller text, p_rate text[],
    out items text, out next_key text, out next_id text, out is_admin boolean, out rate text)
language plpgsql as $$
declare
    admitted boolean;
begin
    call admit(p_rate, rate, admitted);
    if not admitted then
        return;
    end if;
    is_admin := exists (select from users u where u.id = p_caller::uuid and u.role = 'admin');
    if not is_admin then
        return;
    end if;
    -- The filters that are null disappear only from a plan for these values.
    set local plan_cache_mode = force_custom_plan;
    with page as (
        select u.id, user_json(u) as shown, row_number() over (order by u.id desc) as place
        from users u
        where (p_email is null or lower(u.email) = lower(p_email))
            and (p_role is null or u.role = p_role)
            and (p_id is null or u.id < p_id::uuid)
        order by u.id desc
        limit p_limit + 1
    )
    select
        '[' || coalesce(string_agg(shown, ',' order by place) filter (where place <= p_limit), '') || ']',
        case when count(*) > p_limit then '' end,
        case when count(*) > p_limit then max(page.id::text) filter (where place = p_limit) end
        into items, next_key, next_id
        from page;
end
$$;
