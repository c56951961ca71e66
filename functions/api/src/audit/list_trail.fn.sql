-- One page of the audit trail of one user, newest entry first.
--
-- p_user to p_correlation   the filter, see `matching_entries`
-- p_key, p_id  last number and event id of the page before; null for the first page. The number alone determines the order
-- p_limit      page size
-- p_rate       see `admit`
--
-- Returns the items as a JSON array, and the last item's number and event id if more follow, else nulls. `rate` is that of
-- `admit`.
create or replace procedure list_trail(
    p_user text, p_task text, p_type text, p_actor text, p_from text, p_to text, p_correlation text,
    p_key text, p_id text, p_limit bigint, p_rate text[],
    out items text, out next_key text, out next_id text, out rate text)
language plpgsql as $$
declare
    admitted boolean;
begin
    call admit(p_rate, rate, admitted);
    if not admitted then
        return;
    end if;
    -- The filters that are null disappear only from a plan for these values.
    set local plan_cache_mode = force_custom_plan;
    with page as (
        select l as entry, l.no, l.event_id
        from matching_entries(p_user, p_task, p_type, p_actor, p_from, p_to, p_correlation) l
        where p_key is null or l.no < p_key::bigint
        order by l.no desc
        limit p_limit + 1
    ), shown as (
        select p.* from page p order by p.no desc limit p_limit
    )
    select
        (select coalesce(json_agg(audit_item(s.entry) order by s.no desc), '[]')::text from shown s),
        last.no::text,
        last.event_id::text
        into items, next_key, next_id
        from (select) always
        left join (select s.no, s.event_id from shown s order by s.no limit 1) last
            on (select count(*) from page) > p_limit;
end
$$;
