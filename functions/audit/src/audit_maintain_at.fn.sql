-- Maintains the monthly partitions of the audit trail:
--   - creates those of the current month and of the two after it, and those that entries in the default partition need;
--   - drops those of months that are completely older than the retention.
--
-- moment     the current time; a parameter, so that tests can pass any time
-- retention  how long entries are kept
--
-- Returns a report as JSON: {"created": months, "dropped": months, "entries": number of dropped entries}. A month is written
-- as 2026-03.
--
-- Only a prefix of a chain is ever dropped, because a chain with a gap cannot be verified. The order of times can differ
-- from the order of numbers within a chain. So an entry of an expired month is moved to the default partition while an
-- earlier entry of its chain is still kept, and is dropped together with that entry. `audit_chains` stores the last
-- dropped entry of each chain.
create or replace function audit_maintain_at(moment timestamptz, retention interval) returns text
language plpgsql
set search_path = public, pg_temp
set timezone = 'UTC'
-- Appends and readers queue behind this function while it waits for a lock, so it gives up early. The next call retries.
set lock_timeout = '5s'
as $$
declare
    cutoff          constant timestamptz := date_trunc('month', moment - retention);
    horizon         constant timestamptz := date_trunc('month', moment) + interval '3 months';
    expired         text[];
    missing         timestamptz[];
    replace_default boolean;
    month           timestamptz;
    detached        text[];
    entries         text;
    dropped_entries bigint := 0;
begin
    -- Appends hold this lock in shared mode from before their first table lock until they commit.
    perform pg_advisory_xact_lock(hashtext('audit_maintain'));

    select array_agg(c.relname order by c.relname) into expired
    from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'audit_logs'::regclass and c.relname ~ '^audit_logs_\d{4}_\d\d$'
        and to_timestamp(right(c.relname, 7), 'YYYY_MM') + interval '1 month' <= cutoff;

    select array_agg(m order by m) into missing
    from (
        select generate_series(date_trunc('month', moment), horizon - interval '1 month', interval '1 month') as m
        union
        select date_trunc('month', d.time) from audit_logs_default d where d.time >= cutoff and d.time < horizon
    ) months
    where to_regclass('audit_logs_' || to_char(m, 'YYYY_MM')) is null;

    -- The default partition is replaced if one of its entries now has a month's partition or can be dropped. An entry
    -- whose time lies after `recorded_at` expires by `recorded_at`; otherwise it would keep its chain forever.
    select exists (select from audit_logs_default d where d.time >= cutoff and d.time < horizon)
        or exists (
            select from audit_logs_default d
            where least(d.time, d.recorded_at) < cutoff
                and not exists (select from audit_logs k
                    where k.user_id = d.user_id and k.no < d.no and least(k.time, k.recorded_at) >= cutoff))
        into replace_default;

    -- The default partition and the expired months are handled alike: detach them, insert the entries that are kept into
    -- `audit_logs` again, and drop the detached tables with all other entries.
    detached := coalesce(expired, '{}');
    if replace_default then
        alter table audit_logs detach partition audit_logs_default;
        alter table audit_logs_default rename to audit_logs_detached;
        create table audit_logs_default partition of audit_logs default;
        perform audit_guard('audit_logs_default');
        detached := detached || 'audit_logs_detached'::text;
    end if;
    if expired is not null then
        execute (select string_agg(format('alter table audit_logs detach partition %I', e), ';') from unnest(expired) e);
    end if;
    foreach month in array coalesce(missing, '{}') loop
        execute format('create table %I partition of audit_logs for values from (%L) to (%L)',
            'audit_logs_' || to_char(month, 'YYYY_MM'), month, month + interval '1 month');
        perform audit_guard(('audit_logs_' || to_char(month, 'YYYY_MM'))::regclass);
    end loop;

    if detached <> '{}' then
        select '(' || string_agg(format('select * from %I', d), ' union all ') || ')' into entries from unnest(detached) d;

        -- The first entry of each chain that is kept, or null if the whole chain is dropped.
        execute 'create temporary table audit_kept on commit drop as
            select u.user_id, least(
                (select l.no from audit_logs l where l.user_id = u.user_id order by l.no limit 1), u.first_unexpired) as first_no
            from (
                select l.user_id, min(l.no) filter (where least(l.time, l.recorded_at) >= $1) as first_unexpired
                from ' || entries || ' l group by l.user_id
            ) u' using cutoff;

        execute 'insert into audit_logs
            select l.* from ' || entries || ' l join pg_temp.audit_kept k on k.user_id = l.user_id
            where l.no >= k.first_no';

        execute 'with cut as (
            select l.user_id, max(l.no) as no, count(*) as entries
            from ' || entries || ' l join pg_temp.audit_kept k on k.user_id = l.user_id
            where k.first_no is null or l.no < k.first_no
            group by l.user_id
        ), noted as (
            update audit_chains c set dropped_no = l.no, dropped_hash = l.hash
            from cut join ' || entries || ' l on l.user_id = cut.user_id and l.no = cut.no
            where c.user_id = cut.user_id and cut.no > c.dropped_no
        )
        select coalesce(sum(entries), 0) from cut' into dropped_entries;

        drop table pg_temp.audit_kept;
        execute (select string_agg(format('drop table %I', d), ';') from unnest(detached) d);
    end if;

    return json_build_object(
        'created', coalesce((select json_agg(to_char(m, 'YYYY-MM')) from unnest(missing) m), '[]'),
        'dropped', coalesce((select json_agg(replace(right(e, 7), '_', '-')) from unnest(expired) e), '[]'),
        'entries', dropped_entries);
end
$$;
revoke execute on function audit_maintain_at(timestamptz, interval) from public;
