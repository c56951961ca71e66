-- One page of the audit trail of a task, newest entry first. Also works for a task that is deleted.
--
-- p_task       the task
-- p_user       the user whom the task must belong to; null for any user
-- p_key, p_id  last number and event id of the page before; null for the first page. The number alone determines the order
-- p_limit      page size
-- p_rate       see `admit`
--
-- Returns the items as a JSON array; the last item's number and event id if more follow, else nulls; whether the task exists or
-- existed. `rate` is that of `admit`.
--
-- A task exists or existed if it has a row or an entry. Its row is purged some time after it was deleted, and the first
-- entry of a new task is recorded a moment after the task was created.
create or replace procedure list_history(
    p_task text, p_user text, p_key text, p_id text, p_limit bigint, p_rate text[],
    out items text, out next_key text, out next_id text, out known boolean, out rate text)
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
        from audit_logs l
        where l.task_id = p_task::uuid
            and (p_user is null or l.user_id = p_user::uuid)
            and (p_key is null or l.no < p_key::bigint)
        order by l.no desc
        limit p_limit + 1
    ), shown as (
        select p.* from page p order by p.no desc limit p_limit
    )
    select
        (select coalesce(json_agg(audit_item(s.entry) order by s.no desc), '[]')::text from shown s),
        last.no::text,
        last.event_id::text,
        exists (select from page)
            or exists (select from tasks t where t.id = p_task::uuid and (p_user is null or t.user_id = p_user::uuid))
            or exists (select from audit_logs l
                where l.task_id = p_task::uuid and (p_user is null or l.user_id = p_user::uuid))
        into items, next_key, next_id, known
        from (select) always
        left join (select s.no, s.event_id from shown s order by s.no limit 1) last
            on (select count(*) from page) > p_limit;
end
$$;
