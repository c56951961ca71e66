-- Verifies a part of the hash chain of a user: recomputes the hash of each entry, and checks that each follows its predecessor (or
-- the last entry that retention dropped). The last part also checks that the chain ends where its head is.
--
-- p_user   the user
-- p_from   number of the first entry to verify; null begins with the oldest entry that is kept
-- p_limit  maximum number of entries
-- p_rate   see `admit`
--
-- Returns the verdict as JSON, `ok` being whether this part is intact:
--   {"ok", "checked": number of entries, "head": {"no", "hash"}, "first_bad": number of the first entry that is wrong, surplus or
--   does not follow the one before it, or null, "next": where the next part begins, or null, "verified": {"to", "at"} or null}
-- `verified` remembers up to which entry, and when, parts that follow each other from the first entry on were found intact. `rate` is
-- that of `admit`.
create or replace procedure verify_trail(p_user text, p_from bigint, p_limit bigint, p_rate text[], out verdict text, out rate text)
language plpgsql as $$
declare
    owner constant uuid := p_user;
    admitted boolean;
    entry record;
    -- Number and hash of the entry before, which the next one must follow.
    last_no bigint;
    last_hash bytea;
    checked bigint := 0;
    first_bad bigint;
    known audit_verified;
begin
    call admit(p_rate, rate, admitted);
    if not admitted then
        return;
    end if;
    -- One statement reads the head and the entries, because others append meanwhile. It begins with the entry before the first one.
    for entry in
        select h.no as head_no, h.hash as head_hash, h.dropped_no, h.dropped_hash, h.first_no, h.end_no,
            l.no, l.prev_hash, l.hash,
            l.hash = sha256(l.prev_hash || convert_to(audit_entry_text(l.no, l.event_id, l.user_id, l.time, l.recorded_at,
                l.seq, l.task_id, l.type, l.actor_type, l.actor_id, l.correlation_id, l.event), 'UTF8')) as genuine
        from (
            -- The last part ends with whatever comes after the head.
            select c.*, case when c.first_no + p_limit > c.no then 9223372036854775807 else c.first_no + p_limit end as end_no
            from (
                select coalesce(c.no, 0) as no, coalesce(c.hash, decode(repeat('00', 32), 'hex')) as hash,
                    coalesce(c.dropped_no, 0) as dropped_no,
                    coalesce(c.dropped_hash, decode(repeat('00', 32), 'hex')) as dropped_hash,
                    greatest(coalesce(p_from, 1), coalesce(c.dropped_no, 0) + 1) as first_no
                from (select) always
                left join audit_chains c on c.user_id = owner
            ) c
        ) h
        left join audit_logs l on l.user_id = owner and l.no >= h.first_no - 1 and l.no < h.end_no
        order by l.no, l.time
    loop
        if last_no is null then
            last_no := entry.first_no - 1;
            last_hash := case when last_no = entry.dropped_no then entry.dropped_hash end;
        end if;
        if entry.no < entry.first_no then
            last_hash := entry.hash;
        elsif entry.no is not null then
            checked := checked + 1;
            last_no := last_no + 1;
            if not entry.genuine or entry.no <> last_no or entry.prev_hash is distinct from last_hash then
                first_bad := entry.no;
                exit;
            end if;
            last_hash := entry.hash;
        end if;
    end loop;
    if first_bad is null then
        if last_no < least(entry.head_no, entry.end_no - 1) then
            -- The entries at the end are missing.
            first_bad := last_no + 1;
        elsif last_no > entry.head_no and checked > 0 then
            first_bad := entry.head_no + 1;
        elsif last_no = entry.head_no and last_hash <> entry.head_hash then
            first_bad := last_no;
        end if;
    end if;

    select * into known from audit_verified v where v.user_id = owner;
    if first_bad is null and last_no > coalesce(known.no, 0)
        and entry.first_no <= greatest(coalesce(known.no, 0), entry.dropped_no) + 1
    then
        insert into audit_verified as v (user_id, no) values (owner, last_no)
            on conflict (user_id) do update set no = excluded.no, verified_at = excluded.verified_at
            returning * into known;
    end if;
    verdict := json_build_object(
        'ok', first_bad is null,
        'checked', checked,
        'head', json_build_object('no', entry.head_no, 'hash', encode(entry.head_hash, 'hex')),
        'first_bad', first_bad,
        'next', case when first_bad is null and entry.end_no <= entry.head_no then entry.end_no end,
        'verified', case when known.no is not null then
            json_build_object('to', known.no, 'at', rfc3339(known.verified_at)) end)::text;
end
$$;
