-- Claims series whose next occurrence is missing, or due by their schedule. Another claim finds them again a minute later, unless the occurrence has been made.
-- Agents may claim at the same time.
--
-- p_limit  the most series that are claimed
--
-- Returns a JSON array of series, see `series_state`.
create or replace procedure claim_series(p_limit bigint, out body text)
language plpgsql as $$
declare
    moment constant timestamptz := clock_timestamp();
    claimed series;
    task tasks;
    states text[] := '{}';
begin
    for claimed in
        update series set next_at = moment + interval '1 minute'
        where id = any (array(
            select id from series where next_at <= moment order by next_at limit p_limit for update skip locked))
        returning *
    loop
        select * into task from tasks where id = claimed.current_id;
        if found and claimed.recurrence ->> 'paused_at' is null
            and (claimed.recurrence ->> 'create' = 'on_schedule' or task.status in ('completed', 'cancelled')) then
            states := states || series_state(claimed, task);
        else
            update series set next_at = null where id = claimed.id;
        end if;
    end loop;
    body := '[' || array_to_string(states, ',') || ']';
end
$$;
