-- One page of the occurrences of a series that are tasks, in the order of their numbers.
--
-- p_user       the user
-- p_id         the series
-- p_key, p_task  number and id of the last occurrence of the page before; null for the first page. The number alone determines the
--              order
-- p_limit      page size
-- p_rate       see `admit`
--
-- Returns the items as a JSON array of {task_id, occurrence, number, status, at, due, due_at}, `at` being when the task was completed
-- or changed last; the last item's number and id if more follow, else nulls; the series' recurrence and when it ended, both null if there
-- is no such series. `rate` is that of `admit`.
create or replace procedure list_occurrences(
    p_user text, p_id text, p_key text, p_task text, p_limit bigint, p_rate text[],
    out items text, out next_key text, out next_id text, out recurrence text, out ended_at text, out rate text)
language plpgsql as $$
declare
    admitted boolean;
begin
    call admit(p_rate, rate, admitted);
    if not admitted then
        return;
    end if;
    select s.recurrence::text, rfc3339(s.ended_at) into recurrence, ended_at from series s
        where s.id = p_id::uuid and s.user_id = p_user::uuid;
    with page as (
        select t.* from tasks t
        where t.user_id = p_user::uuid and t.series_id = p_id::uuid and t.deleted_at is null
            and t.occurrence_number > coalesce(p_key::bigint, 0)
        order by t.occurrence_number
        limit p_limit + 1
    ), shown as (
        select p.* from page p order by p.occurrence_number limit p_limit
    )
    select
        (select coalesce('[' || string_agg(
            '{"task_id":"' || s.id::text || '","occurrence":' || to_json(s.occurrence)::text
            || ',"number":' || s.occurrence_number::text || ',"status":"' || s.status
            || '","at":"' || rfc3339(coalesce(s.completed_at, s.updated_at))
            || '","due":' || coalesce(s.due::text, 'null')
            || ',"due_at":' || coalesce('"' || rfc3339(s.due_at) || '"', 'null') || '}', ',' order by s.occurrence_number)
            || ']', '[]') from shown s),
        last.occurrence_number::text,
        last.id::text
        into items, next_key, next_id
        from (select) always
        left join (select s.occurrence_number, s.id from shown s order by s.occurrence_number desc limit 1) last
            on (select count(*) from page) > p_limit;
end
$$;
