-- One part of an export of the audit trails of all users, earliest event time first.
--
-- p_user to p_correlation   the filter, see `matching_entries`
-- p_key, p_id  time and event id of the last entry of the part before; null for the first part
-- p_began      time when the export began; null for the first part
-- p_limit      maximum number of entries
-- p_rate       see `admit`
--
-- Returns the entries as NDJSON, or null if there are none; the last entry's time and event id if more may follow, else nulls;
-- time when the export began. Entries recorded after the export began are left out. `rate` is that of `admit`.
create or replace procedure export_trails(
    p_user text, p_task text, p_type text, p_actor text, p_from text, p_to text, p_correlation text,
    p_key text, p_id text, p_began text, p_limit bigint, p_rate text[],
    out lines text, out next_key text, out next_id text, out began text, out rate text)
language plpgsql as $$
declare
    admitted boolean;
    started timestamptz;
begin
    call admit(p_rate, rate, admitted);
    if not admitted then
        return;
    end if;
    started := coalesce(p_began::timestamptz, clock_timestamp());
    began := rfc3339(started);
    -- The filters that are null disappear only from a plan for these values.
    set local plan_cache_mode = force_custom_plan;
    with page as (
        select l as entry, l.time, l.event_id
        from matching_entries(p_user, p_task, p_type, p_actor, p_from, p_to, p_correlation) l
        where (p_key is null or (l.time, l.event_id) > (p_key::timestamptz, p_id::uuid)) and l.recorded_at <= started
        order by l.time, l.event_id
        limit p_limit
    )
    select
        (select string_agg(audit_line(p.entry), '' order by p.time, p.event_id) from page p),
        rfc3339(last.time),
        last.event_id::text
        into lines, next_key, next_id
        from (select) always
        left join (select p.time, p.event_id from page p order by p.time desc, p.event_id desc limit 1) last
            on (select count(*) from page) = p_limit;
end
$$;
