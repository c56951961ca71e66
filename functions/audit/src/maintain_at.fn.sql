-- Keeps the trail's partitions: makes those of this month and the two after it, gives a month to entries that wait in the
-- default partition, and drops the months that are wholly older than `retention`.
-- Answers {"created": months, "dropped": months, "entries": how many went}.
--
-- A chain is only ever cut from its beginning, or it could not be verified any more. An entry's time and its number may
-- disagree a little, so an old entry behind a younger one (or one that arrived when its month was gone) is carried over to
-- the default partition and goes when its predecessors have gone. audit_chains keeps where each chain was cut.
create or replace function audit_maintain_at(moment timestamptz, retention interval) returns text
language plpgsql
set search_path = public, pg_temp
set timezone = 'UTC'
-- Appends and readers wait while this waits, so it gives up soon; the next call tries again.
set lock_timeout = '5s'
as $$
declare
    cutoff   constant timestamptz := date_trunc('month', moment - retention);
    horizon  constant timestamptz := date_trunc('month', moment) + interval '3 months';
    expired  text[];
    missing  timestamptz[];
    reseat   boolean;
    month    timestamptz;
    leaving  text[];
    entries  text;
    gone     bigint := 0;
begin
    -- Appends hold this shared, from before their first lock to their end.
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

    -- An entry that claims to be from the future counts by when it was recorded, or it would keep its chain for ever.
    select exists (select from audit_logs_default d where d.time >= cutoff and d.time < horizon)
        or exists (
            select from audit_logs_default d
            where least(d.time, d.recorded_at) < cutoff
                and not exists (select from audit_logs k
                    where k.user_id = d.user_id and k.no < d.no and least(k.time, k.recorded_at) >= cutoff))
        into reseat;

    -- Both go the same way: taken off, what must stay put back where it belongs now, the rest dropped with its table.
    leaving := coalesce(expired, '{}');
    if reseat then
        alter table audit_logs detach partition audit_logs_default;
        alter table audit_logs_default rename to audit_logs_leaving;
        create table audit_logs_default partition of audit_logs default;
        perform audit_guard('audit_logs_default');
        leaving := leaving || 'audit_logs_leaving'::text;
    end if;
    if expired is not null then
        execute (select string_agg(format('alter table audit_logs detach partition %I', e), ';') from unnest(expired) e);
    end if;
    foreach month in array coalesce(missing, '{}') loop
        execute format('create table %I partition of audit_logs for values from (%L) to (%L)',
            'audit_logs_' || to_char(month, 'YYYY_MM'), month, month + interval '1 month');
        perform audit_guard(('audit_logs_' || to_char(month, 'YYYY_MM'))::regclass);
    end loop;

    if leaving <> '{}' then
        select '(' || string_agg(format('select * from %I', l), ' union all ') || ')' into entries from unnest(leaving) l;

        -- The first entry of each chain that stays; null where nothing does.
        execute 'create temporary table audit_kept on commit drop as
            select u.user_id, least(
                (select l.no from audit_logs l where l.user_id = u.user_id order by l.no limit 1), u.young) as first_no
            from (
                select l.user_id, min(l.no) filter (where least(l.time, l.recorded_at) >= $1) as young
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
        select coalesce(sum(entries), 0) from cut' into gone;

        drop table pg_temp.audit_kept;
        execute (select string_agg(format('drop table %I', l), ';') from unnest(leaving) l);
    end if;

    return json_build_object(
        'created', coalesce((select json_agg(to_char(m, 'YYYY-MM')) from unnest(missing) m), '[]'),
        'dropped', coalesce((select json_agg(replace(right(e, 7), '_', '-')) from unnest(expired) e), '[]'),
        'entries', gone);
end
$$;
revoke execute on function audit_maintain_at(timestamptz, interval) from public;
