-- One page of the conflict log, newest first.
--
-- p_user       the user
-- p_key, p_id  time and id of the last conflict of the page before; null for the first page
-- p_limit      page size
-- p_rate       see `admit`
--
-- Returns the items as a JSON array; the last item's time and id if more follow, else nulls. `rate` is that of `admit`.
create or replace procedure list_conflicts(
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
    with page as (
        select c.* from conflicts c
        where c.user_id = owner and (p_key is null or (c.created_at, c.id) < (p_key::timestamptz, p_id::uuid))
        order by c.created_at desc, c.id desc
        limit p_limit + 1
    ), shown as (
        select p.* from page p order by p.created_at desc, p.id desc limit p_limit
    )
    select
        (select '[' || coalesce(string_agg(conflict_json(s::conflicts), ',' order by s.created_at desc, s.id desc), '') || ']'
            from shown s),
        last.created_at::text,
        last.id::text
        into items, next_key, next_id
        from (select) always
        left join (select s.created_at, s.id from shown s order by s.created_at, s.id limit 1) last
            on (select count(*) from page) > p_limit;
end
$$;
