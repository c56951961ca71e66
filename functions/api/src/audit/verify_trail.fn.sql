-- Verifies the hash chain of a user: recomputes the hash of each entry, and checks that each entry follows its predecessor
-- (or the last entry that retention dropped) and that the last entry is the head of the chain.
--
-- p_user  the user
-- p_rate  see `admit`
--
-- Returns the verdict as JSON {"ok", "checked": number of entries, "head": {"no", "hash"}, "first_bad": number of the first
-- entry that is wrong, missing or surplus, or null}. `rate` is that of `admit`.
create or replace procedure verify_trail(p_user text, p_rate text[], out verdict text, out rate text)
language plpgsql as $$
declare
    admitted boolean;
begin
    call admit(p_rate, rate, admitted);
    if not admitted then
        return;
    end if;
    with head as (
        select coalesce(max(c.no), 0) as no, coalesce(max(encode(c.hash, 'hex')), repeat('00', 32)) as hash,
            coalesce(max(c.dropped_no), 0) as dropped_no,
            coalesce(max(encode(c.dropped_hash, 'hex')), repeat('00', 32)) as dropped_hash
        from audit_chains c
        where c.user_id = p_user::uuid
    ), entries as (
        select l.no, encode(l.hash, 'hex') as hash,
            l.hash = sha256(l.prev_hash || convert_to(audit_entry_text(l.no, l.event_id, l.user_id, l.time, l.recorded_at,
                l.seq, l.task_id, l.type, l.actor_type, l.actor_id, l.correlation_id, l.event), 'UTF8')) as genuine,
            l.no = lag(l.no, 1, h.dropped_no) over chain + 1
                and encode(l.prev_hash, 'hex') = lag(encode(l.hash, 'hex'), 1, h.dropped_hash) over chain as follows
        from audit_logs l cross join head h
        where l.user_id = p_user::uuid
        window chain as (order by l.no, l.time)
    ), sum as (
        select count(*) as checked, min(e.no) filter (where not (e.genuine and e.follows)) as first_bad,
            coalesce(max(e.no), 0) as last_no, (array_agg(e.hash order by e.no desc))[1] as last_hash
        from entries e
    ), judged as (
        select s.checked, h.no, h.hash,
            coalesce(s.first_bad, case
                -- All entries are intact, but the last one is not the head of the chain.
                when greatest(s.last_no, h.dropped_no) <> h.no then least(greatest(s.last_no, h.dropped_no), h.no) + 1
                when coalesce(s.last_hash, h.dropped_hash) <> h.hash then h.no
            end) as first_bad
        from sum s cross join head h
    )
    select json_build_object(
        'ok', j.first_bad is null,
        'checked', j.checked,
        'head', json_build_object('no', j.no, 'hash', j.hash),
        'first_bad', j.first_bad)::text
        into verdict
        from judged j;
end
$$;
