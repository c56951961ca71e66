-- Appends the events of a frame to the audit trail, in the order of the frame. An event that is recorded already is not
-- recorded again, so a redelivered frame changes nothing.
--
-- events  JSON array of CloudEvents
--
-- Returns a JSON array with one result per event, in the order of `events`:
--   {"id", "outcome": "done"}             the event is on the trail, from this frame or from an earlier one
--   {"id", "outcome": "reject", "error"}  the event is invalid and can never be recorded
-- Every other failure is an error of the statement, and then nothing is recorded.
--
-- The `set` clauses pin the plans to index scans. A session caches its plans, and a plan made while the tables were small
-- would scan them completely once they are large.
create or replace function audit_append(events text) returns text
language plpgsql security definer
set search_path = public, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
    frame          constant json := events::json;
    parsed         audit_event[];
    users          uuid[];
    rejected       integer[];
    reject_results text[];
    moment         timestamptz;
begin
    -- Appends share this lock, and `audit_maintain_at` takes it exclusively. Both take it before any table lock, so they
    -- cannot deadlock.
    perform pg_advisory_xact_lock_shared(hashtext('audit_maintain'));

    begin
        parsed := audit_read(frame, null);
    exception when data_exception or program_limit_exceeded then
        null;
    end;
    if parsed is null then
        -- Some event is invalid. Find each invalid event and its reason, then parse the others.
        select array_agg(r.n), array_agg(json_build_object(
                'id', coalesce(substring(r.event from '"id"\s*:\s*"([^"\\]*)"'), ''),
                'outcome', 'reject', 'error', r.reason)::text)
            into rejected, reject_results
        from (
            select ordinality::integer as n, value::text as event, audit_refusal(value::text) as reason
            from json_array_elements(frame) with ordinality
            offset 0
        ) r
        where r.reason is not null;
        parsed := audit_read(frame, rejected);
    end if;

    -- Both statements lock chains in the order of user ids, so frames that share users cannot deadlock.
    select array_agg(distinct p.user_id order by p.user_id) into users from unnest(parsed) p;
    insert into audit_chains (user_id)
        select u.id from unnest(users) u(id)
        where not exists (select from audit_chains c where c.user_id = u.id)
        order by u.id
        on conflict do nothing;
    perform from audit_chains where user_id = any (users) order by user_id for update;

    -- The next statement takes its snapshot after the locks are held. So it sees every event that a concurrent append of
    -- the same user has recorded.
    moment := clock_timestamp();
    with new_events as (
        select distinct on (p.event_id) p.*
        from unnest(parsed) p
        where not exists (select from audit_logs l where l.event_id = p.event_id)
        order by p.event_id, p.n
    ), numbered as (
        select f.*, c.hash as head, c.no + row_number() over (partition by f.user_id order by f.n) as no
        from new_events f join audit_chains c on c.user_id = f.user_id
    ), linked as materialized (
        select e.*,
            audit_chain(e.head, audit_entry_text(e.no, e.event_id, e.user_id, e.time, moment, e.seq, e.task_id, e.type,
                e.actor_type, e.actor_id, e.correlation_id, e.event)) over chain as hash
        from numbered e
        window chain as (partition by e.user_id order by e.no rows unbounded preceding)
    ), appended as (
        insert into audit_logs (event_id, time, user_id, no, task_id, type, actor_type, actor_id, correlation_id, seq,
            prev_hash, hash, recorded_at, event)
        select e.event_id, e.time, e.user_id, e.no, e.task_id, e.type, e.actor_type, e.actor_id, e.correlation_id, e.seq,
            lag(e.hash, 1, e.head) over (partition by e.user_id order by e.no), e.hash, moment, e.event
        from linked e
    ), heads as materialized (
        select e.user_id, max(e.no) as no, (array_agg(e.hash order by e.no desc))[1] as hash, uuid_v7() as id,
            string_agg('{"event_id":"' || e.event_id || '","no":' || e.no || ',"hash":"' || encode(e.hash, 'hex') || '"}',
                ',' order by e.no) as entries
        from linked e
        group by e.user_id
    ), announced as (
        insert into outbox (topic, user_id, event_id, event)
        select 'audit-logs', r.user_id, r.id,
            '{"specversion":"1.0","id":"' || r.id || '","source":"/spindle/audit","type":"audit.recorded","subject":"'
            || r.user_id || '","time":"' || rfc3339(moment) || '","datacontenttype":"application/json","userid":"'
            || r.user_id || '","data":{"entries":[' || r.entries || '],"actor":{"type":"agent","id":"audit"}}}'
        from heads r
    )
    update audit_chains c set no = r.no, hash = r.hash
    from heads r
    where c.user_id = r.user_id;

    return (
        select '[' || coalesce(string_agg(r.result, ',' order by r.n), '') || ']'
        from (
            select p.n, '{"id":"' || p.id || '","outcome":"done"}' as result from unnest(parsed) p
            union all
            select u.n, u.result from unnest(rejected, reject_results) u(n, result)
        ) r
    );
end
$$;
revoke execute on function audit_append(text) from public;
grant execute on function audit_append(text) to spindle_agent;
