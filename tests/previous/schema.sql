-- The schema of the previous release, with the versions of its migrations. migrations/README.md says how it is made.

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

CREATE COLLATION public.title_order (provider = icu, locale = 'und-u-kn-true');

CREATE EXTENSION IF NOT EXISTS btree_gin WITH SCHEMA public;

CREATE TYPE public.audit_event AS (
	n integer,
	id text,
	event_id uuid,
	"time" timestamp with time zone,
	user_id uuid,
	task_id uuid,
	type text,
	actor_type text,
	actor_id text,
	correlation_id text,
	seq bigint,
	event text
);

CREATE TYPE public.write_result AS (
	outcome text,
	version bigint,
	id text,
	body text,
	replayed boolean,
	rate text
);

CREATE PROCEDURE public.admit(IN p_rate text[], OUT rate text, OUT admitted boolean)
    LANGUAGE plpgsql
    AS $$
begin
    admitted := true;
    if p_rate is null then
        return;
    end if;
    rate := charge_rate(p_rate, null);
    commit;
    if rate like 'wait%' then
        admitted := false;
    elsif p_rate[7] <> '' and not exists (select from users where id = p_rate[7]::uuid) then
        rate := 'gone ' || rate;
        admitted := false;
    elsif p_rate[8] <> p_rate[7] and not exists (select from users where id = p_rate[8]::uuid) then
        rate := 'unknown ' || rate;
        admitted := false;
    elsif not take_slot(p_rate) then
        rate := 'busy ' || rate;
        admitted := false;
    end if;
end
$$;

CREATE PROCEDURE public.admit_rows(IN p_rate text[], IN p_rows bigint, OUT rate text, OUT admitted boolean)
    LANGUAGE plpgsql
    AS $$
begin
    rate := charge_rate(p_rate, p_rows);
    commit;
    admitted := take_slot(p_rate);
    if not admitted then
        rate := 'busy ' || rate;
    end if;
end
$$;

CREATE PROCEDURE public.admit_session(IN p_hash bytea, IN p_address text[], IN p_user text[], OUT known boolean, OUT rate text, OUT admitted boolean)
    LANGUAGE plpgsql
    AS $$
declare
    owner constant text := (select t.user_id from refresh_tokens t where t.hash = p_hash);
begin
    known := owner is not null;
    if known then
        p_user[1] := p_user[1] || owner;
        p_user[6] := owner;
        call admit(p_user, rate, admitted);
    else
        call admit(p_address, rate, admitted);
    end if;
end
$$;

CREATE PROCEDURE public.admit_write(IN p_user uuid, IN p_rate text[], IN p_key text, IN p_fingerprint text, IN p_lock boolean, OUT outcome text, OUT version bigint, OUT id text, OUT body text, OUT replayed boolean, OUT rate text)
    LANGUAGE plpgsql
    AS $$
declare
    admitted boolean;
    kept idempotency_keys;
begin
    replayed := false;
    call admit(p_rate, rate, admitted);
    if not admitted then
        outcome := 'limited';
        return;
    end if;
    if p_lock then
        perform from users where users.id = p_user for no key update;
        if not found then
            outcome := 'gone';
            return;
        end if;
    end if;
    if p_key is not null then
        select * into kept from idempotency_keys
            where user_id = p_user and key = p_key and created_at > clock_timestamp() - interval '24 hours';
        if kept.fingerprint = p_fingerprint then
            outcome := kept.outcome;
            version := kept.version;
            id := kept.id;
            body := kept.body;
            replayed := true;
        elsif found then
            outcome := 'key_reused';
        end if;
    end if;
end
$$;

CREATE FUNCTION public.audit_append(events text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS $$
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

CREATE FUNCTION public.audit_append_frame(events text, OUT results text, OUT code text, OUT reason text) RETURNS record
    LANGUAGE plpgsql
    AS $$
begin
    results := audit_append(events);
exception
    -- Classes 22, 23, 44, 54 and P0 in appendix A of the Postgres manual.
    when data_exception or integrity_constraint_violation or with_check_option_violation or program_limit_exceeded
        or plpgsql_error
    then
        get stacked diagnostics code = returned_sqlstate, reason = message_text;
end
$$;

CREATE FUNCTION public.rfc3339(moment timestamp with time zone) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN to_char((moment AT TIME ZONE 'UTC'::text), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'::text);

CREATE FUNCTION public.audit_entry_text(no bigint, event_id uuid, user_id uuid, "time" timestamp with time zone, recorded_at timestamp with time zone, seq bigint, task_id uuid, type text, actor_type text, actor_id text, correlation_id text, event text) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN ((((((((((((((((((((((('spindle.audit.1
'::text || (no)::text) || '
'::text) || (event_id)::text) || '
'::text) || (user_id)::text) || '
'::text) || public.rfc3339("time")) || '
'::text) || public.rfc3339(recorded_at)) || '
'::text) || COALESCE((seq)::text, ''::text)) || '
'::text) || COALESCE((task_id)::text, ''::text)) || '
'::text) || type) || '
'::text) || COALESCE(actor_type, ''::text)) || '
'::text) || COALESCE(actor_id, ''::text)) || '
'::text) || COALESCE(correlation_id, ''::text)) || '
'::text) || event);

CREATE FUNCTION public.audit_guard(target regclass) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    execute format(
        'create trigger append_only before update or delete or truncate on %s for each statement execute function audit_refuse()',
        target);
    execute format('alter table %s enable always trigger append_only', target);
end
$$;

SET default_tablespace = '';

CREATE TABLE public.audit_logs (
    event_id uuid NOT NULL,
    "time" timestamp with time zone NOT NULL,
    user_id uuid NOT NULL,
    no bigint NOT NULL,
    task_id uuid,
    type text NOT NULL,
    actor_type text,
    actor_id text,
    correlation_id text,
    seq bigint,
    prev_hash bytea NOT NULL,
    hash bytea NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    event text NOT NULL,
    CONSTRAINT audit_logs_actor_id_check CHECK (((strpos(actor_id, '
'::text) = 0) AND (actor_id <> ''::text))),
    CONSTRAINT audit_logs_actor_type_check CHECK (((strpos(actor_type, '
'::text) = 0) AND (actor_type <> ''::text))),
    CONSTRAINT audit_logs_correlation_id_check CHECK (((strpos(correlation_id, '
'::text) = 0) AND (correlation_id <> ''::text))),
    CONSTRAINT audit_logs_hash_check CHECK ((octet_length(hash) = 32)),
    CONSTRAINT audit_logs_no_check CHECK ((no > 0)),
    CONSTRAINT audit_logs_prev_hash_check CHECK ((octet_length(prev_hash) = 32)),
    CONSTRAINT audit_logs_type_check CHECK (((strpos(type, '
'::text) = 0) AND (type <> ''::text)))
)
PARTITION BY RANGE ("time");

CREATE FUNCTION public.audit_item(entry public.audit_logs) RETURNS json
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$
begin
    return json_build_object(
        'event_id', entry.event_id, 'no', entry.no, 'type', entry.type, 'time', rfc3339(entry.time),
        'user_id', entry.user_id, 'task_id', entry.task_id,
        'actor', case when entry.actor_type is not null or entry.actor_id is not null
            then json_build_object('type', entry.actor_type, 'id', entry.actor_id) end,
        'correlation_id', entry.correlation_id, 'seq', entry.seq,
        'hash', encode(entry.hash, 'hex'), 'prev_hash', encode(entry.prev_hash, 'hex'),
        'recorded_at', rfc3339(entry.recorded_at), 'event', entry.event::json);
end
$$;

CREATE FUNCTION public.audit_line(entry public.audit_logs) RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$
begin
    return translate(audit_item(entry)::text, e'\n\r', '  ') || e'\n';
end
$$;

CREATE FUNCTION public.audit_link(prev_hash bytea, head bytea, entry text) RETURNS bytea
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$
begin
    return sha256(coalesce(prev_hash, head) || convert_to(entry, 'UTF8'));
end
$$;

CREATE FUNCTION public.audit_maintain(retention interval DEFAULT '90 days'::interval) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
begin
    if retention is null or retention < interval '7 days' then
        raise exception 'the retention of the audit trail must be at least 7 days' using errcode = 'invalid_parameter_value';
    end if;
    return audit_maintain_at(clock_timestamp(), retention);
end
$$;

CREATE FUNCTION public.audit_maintain_at(moment timestamp with time zone, retention interval) RETURNS text
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET lock_timeout TO '5s'
    AS $_$
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
$_$;

CREATE FUNCTION public.audit_read(events json, refused integer[]) RETURNS public.audit_event[]
    LANGUAGE plpgsql STABLE
    AS $$
declare
    parsed audit_event[];
    valid  boolean;
begin
    select
        array_agg(row(
            e.n, e.id,
            case when length(e.id) = 36 then e.id::uuid end,
            -- Times in the API's format are cast directly, which is fast. All others go through `audit_time`, because a
            -- cast accepts formats that are not RFC 3339 and rounds to microseconds.
            case when e.time like '____-__-__T__:__:__.______Z' then e.time::timestamptz else audit_time(e.time) end,
            case when length(e.userid) = 36 then e.userid::uuid end,
            case when length(e.task_id) = 36 then e.task_id::uuid end,
            e.type, e.actor_type, e.actor_id, e.correlation_id, e.seq::bigint, e.raw
        )::audit_event),
        bool_and(length(e.id) = 36 and length(e.userid) = 36 and e.time is not null
            and e.type <> '' and length(e.type) <= 200
            and length(concat(e.actor_type, e.actor_id)) <= 500 and coalesce(length(e.correlation_id), 0) <= 500
            and strpos(concat(e.type, e.actor_type, e.actor_id, e.correlation_id), e'\n') = 0)
        into parsed, valid
    from (
        select d.n::integer as n, d.raw,
            d.doc ->> 'id' as id, d.doc ->> 'time' as "time", d.doc ->> 'userid' as userid, d.doc ->> 'type' as type,
            d.doc ->> 'seq' as seq, nullif(d.doc ->> 'correlationid', '') as correlation_id,
            nullif(d.doc #>> '{data,actor,type}', '') as actor_type, nullif(d.doc #>> '{data,actor,id}', '') as actor_id,
            coalesce(d.doc #>> '{data,task,id}', d.doc #>> '{data,task_id}',
                case when d.doc ->> 'type' like 'task.%' then d.doc ->> 'subject' end) as task_id
        from (
            select ordinality as n, value::text as raw, value::text::jsonb as doc
            from json_array_elements(events) with ordinality
            where refused is null or ordinality <> all (refused)
            offset 0
        ) d
        order by d.n
        offset 0
    ) e;

    return case when valid then parsed when parsed is null then '{}' end;
end
$$;

CREATE FUNCTION public.audit_refusal(event text) RETURNS text
    LANGUAGE plpgsql STABLE
    AS $_$
declare
    uuid_form constant text := '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$';
    doc    jsonb;
    detail text;
begin
    doc := event::jsonb;
    if jsonb_typeof(doc) <> 'object' then
        return 'the event is not an object';
    elsif doc ->> 'id' is null then
        return 'id is missing';
    elsif doc ->> 'id' !~ uuid_form then
        return 'id is not a UUID';
    elsif doc ->> 'userid' is null then
        return 'userid is missing';
    elsif doc ->> 'userid' !~ uuid_form then
        return 'userid is not a UUID';
    elsif coalesce(doc ->> 'type', '') = '' then
        return 'type is missing';
    elsif length(doc ->> 'type') > 200 then
        return 'type is longer than 200 characters';
    elsif doc ->> 'time' is null then
        return 'time is missing';
    elsif length(concat(doc #>> '{data,actor,type}', doc #>> '{data,actor,id}')) > 500 then
        return 'data.actor is longer than 500 characters';
    elsif length(doc ->> 'correlationid') > 500 then
        return 'correlationid is longer than 500 characters';
    elsif strpos(concat(doc ->> 'type', doc #>> '{data,actor,type}', doc #>> '{data,actor,id}', doc ->> 'correlationid'),
            e'\n') > 0 then
        return 'type, data.actor or correlationid contains a line feed';
    end if;
    perform audit_time(doc ->> 'time');
    -- The remaining faults are numbers, ids and texts that Postgres cannot store. `audit_read` finds them.
    if audit_read(json_build_array(event::json), null) is null then
        return 'the event cannot be parsed';
    end if;
    return null;
exception when data_exception or program_limit_exceeded then
    get stacked diagnostics detail = pg_exception_detail;
    return concat_ws(': ', sqlerrm, nullif(detail, ''));
end
$_$;

CREATE FUNCTION public.audit_refuse() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    raise exception 'the audit trail is append-only: % on % is refused', tg_op, tg_table_name
        using errcode = 'insufficient_privilege';
end
$$;

CREATE FUNCTION public.audit_time(value text) RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE STRICT
    AS $_$
begin
    if value !~ '^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$' then
        raise exception 'time is not RFC 3339' using errcode = 'invalid_datetime_format';
    end if;
    return regexp_replace(value, '(\.\d{6})\d+', '\1')::timestamptz;
end
$_$;

CREATE PROCEDURE public.batch_tasks(IN p_user text, IN p_operations text, IN p_atomic boolean, IN p_context text, IN p_actor text, IN p_key text, IN p_fingerprint text, IN p_rate text[], OUT outcome text, OUT version bigint, OUT id text, OUT body text, OUT replayed boolean, OUT rate text)
    LANGUAGE plpgsql
    AS $$
declare
    owner constant uuid := p_user;
    operation record;
    accepted text;
    done write_result;
    results text[];
    refused boolean := false;
begin
    call admit_write(owner, p_rate, p_key, p_fingerprint, true, outcome, version, id, body, replayed, rate);
    if outcome is not null then
        return;
    end if;

    begin
        for operation in
            select * from rows from (json_to_recordset(p_operations::json) as (
                op text, id text, version bigint, title text, description text, status text, priority text, tags text[],
                set_due boolean, due text, instant text, faults json)) with ordinality
        loop
            -- Collected in an array: a text that grows would be copied for each operation.
            if operation.faults is not null then
                results[operation.ordinality] := '{"faults":' || operation.faults::text || '}';
                continue;
            end if;
            accepted := '{' || operation.version || '}';
            if operation.op = 'create' then
                call create_task(p_user, operation.id, operation.title, operation.description, operation.status,
                    operation.priority, operation.tags, operation.due, operation.instant, p_context, p_actor, null, null, null,
                    done.outcome, done.version, done.id, done.body, done.replayed, done.rate);
            elsif operation.op = 'delete' then
                call delete_task(p_user, operation.id, accepted, p_context, p_actor, null,
                    done.outcome, done.version, done.id, done.body, done.replayed, done.rate);
            elsif operation.op = 'restore' then
                call restore_task(p_user, operation.id, accepted, p_context, p_actor, null, null, null,
                    done.outcome, done.version, done.id, done.body, done.replayed, done.rate);
            else
                call update_task(p_user, operation.id, accepted, operation.title, operation.description,
                    operation.status, operation.priority, operation.tags, operation.set_due, operation.due,
                    operation.instant, operation.op = 'reopen', p_context, p_actor, null, null, null,
                    done.outcome, done.version, done.id, done.body, done.replayed, done.rate);
            end if;
            refused := refused or done.outcome not in ('made', 'changed', 'unchanged', 'deleted');
            results[operation.ordinality] := '{"outcome":"' || done.outcome || '"'
                || coalesce(',"version":' || done.version, '') || coalesce(',"task":' || done.body, '') || '}';
        end loop;
        outcome := 'changed';
        body := '[' || array_to_string(results, ',') || ']';
        if p_atomic and refused then
            -- Rolls back the block. Variables keep their values.
            raise exception using errcode = 'BATCH', message = 'an operation of an atomic batch was refused';
        end if;
    exception when sqlstate 'BATCH' then
        outcome := 'refused';
    end;
    perform keep_answer(owner, p_key, p_fingerprint, row(outcome, version, id, body, null, null)::write_result);
end
$$;

SET default_table_access_method = heap;

CREATE TABLE public.jobs (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    kind text NOT NULL,
    state jsonb NOT NULL,
    total bigint NOT NULL,
    handled bigint DEFAULT 0 NOT NULL,
    ended boolean DEFAULT false NOT NULL,
    failures integer DEFAULT 0 NOT NULL,
    error text,
    next_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

CREATE FUNCTION public.begin_job(p_user uuid, p_kind text, p_total bigint, p_state jsonb) RETURNS public.jobs
    LANGUAGE plpgsql
    AS $$
declare
    job jobs;
begin
    job.id := uuid_v7();
    job.user_id := p_user;
    job.kind := p_kind;
    job.state := p_state;
    job.total := p_total;
    job.handled := 0;
    job.failures := 0;
    job.created_at := clock_timestamp();
    job.updated_at := job.created_at;
    job.next_at := job.created_at;
    job.ended := false;
    job := job_step(job, 500);
    if not job.ended then
        insert into jobs select job.*;
    end if;
    return job;
end
$$;

CREATE PROCEDURE public.begin_login(IN p_email text, IN p_rates text[], IN p_instance text, IN p_most integer, OUT rates text, OUT slot text, OUT user_id text, OUT password_hash text)
    LANGUAGE plpgsql
    AS $$
begin
    call begin_sign_in(p_rates, p_instance, p_most, rates, slot);
    if slot is not null then
        select u.id::text, u.password_hash into user_id, password_hash from users u where lower(u.email) = lower(p_email);
    end if;
end
$$;

CREATE PROCEDURE public.begin_sign_in(IN p_rates text[], IN p_instance text, IN p_most integer, OUT rates text, OUT slot text)
    LANGUAGE plpgsql
    AS $$
declare
    rate text;
    taken uuid;
begin
    for place in 1..cardinality(p_rates) by 8 loop
        rate := charge_rate(p_rates[place:place + 7], null);
        rates := concat_ws(',', rates, rate);
        exit when rate like 'wait%';
    end loop;
    -- Makes the charges durable. See `admit`.
    commit;
    if rate like 'wait%' then
        return;
    end if;
    -- Serialises the count per process. No hash takes five seconds, so a process that died has left an older slot. A slot far
    -- ahead is from before the clock was stepped back.
    perform pg_advisory_xact_lock(hashtext('spindle hashes'), hashtext(p_instance));
    delete from hashes_running
    where instance = p_instance and until not between clock_timestamp() and clock_timestamp() + interval '1 minute';
    if (select count(*) from hashes_running where instance = p_instance) >= p_most then
        return;
    end if;
    insert into hashes_running (slot, instance, until)
        values (gen_random_uuid(), p_instance, clock_timestamp() + interval '5 seconds')
        returning hashes_running.slot into taken;
    slot := taken::text;
end
$$;

CREATE PROCEDURE public.begin_verification(IN p_user text, IN p_rates text[], IN p_instance text, IN p_most integer, OUT rates text, OUT slot text, OUT password_hash text)
    LANGUAGE plpgsql
    AS $$
begin
    call begin_sign_in(p_rates, p_instance, p_most, rates, slot);
    if slot is not null then
        password_hash := (select u.password_hash from users u where u.id = p_user::uuid);
    end if;
end
$$;

CREATE FUNCTION public.charge_rate(p_rate text[], p_rows bigint) RETURNS text
    LANGUAGE plpgsql
    AS $$
declare
    quota constant bigint := p_rate[2];
    seconds constant double precision := p_rate[3];
    step constant double precision := seconds / quota;
    cost constant double precision := step * coalesce(p_rows, p_rate[4]::bigint);
    moment double precision;
    full_again double precision;
begin
    if p_rows is null then
        insert into rate_limits as r (key, full_at) values (p_rate[1], extract(epoch from clock_timestamp()) + cost)
            on conflict (key) do update
                set full_at = greatest(r.full_at, extract(epoch from clock_timestamp())) + cost
                where r.full_at + cost <= extract(epoch from clock_timestamp()) + seconds or cost = 0
            returning full_at into full_again;
    else
        update rate_limits r
            set full_at = greatest(r.full_at, least(
                greatest(r.full_at, extract(epoch from clock_timestamp())) + cost,
                extract(epoch from clock_timestamp()) + 2 * seconds))
            where key = p_rate[1]
            returning full_at into full_again;
    end if;
    moment := extract(epoch from clock_timestamp());
    if full_again is null then
        select full_at into full_again from rate_limits where key = p_rate[1];
        if full_again <= moment + 2 * seconds + 60 then
            return 'wait ' || greatest(ceil(full_again + cost - moment - seconds), 1)::bigint;
        end if;
        -- No debt is that large. The row is from before the clock was stepped back, and would lock its user out for as long as
        -- the step was. Or the sweep has just deleted the row, because the whole quota is left.
        full_again := moment + least(cost, 2 * seconds);
        insert into rate_limits as r (key, full_at) values (p_rate[1], full_again)
            on conflict (key) do update set full_at = excluded.full_at;
    end if;
    -- A debt leaves nothing. The clock has moved on since the charge, but no more than the quota can be left.
    return least(quota, greatest(0, floor((moment + seconds - full_again) / step + 1e-6)))::bigint
        || ';t=' || greatest(ceil(full_again - moment), 0)::bigint;
end
$$;

CREATE PROCEDURE public.close_account(IN p_user text, IN p_verified text, IN p_slot text, IN p_context text, IN p_actor text, OUT outcome text, OUT version bigint, OUT id text, OUT body text, OUT replayed boolean, OUT rate text)
    LANGUAGE plpgsql
    AS $$
declare
    owner constant uuid := p_user;
    account users;
    tasks bigint;
begin
    replayed := false;
    -- Committed before the wait for the user's row, so that a user who is busy does not keep a slot from others.
    perform free_slot(p_slot::uuid);
    commit;
    -- Serialises changes of roles, see `update_account`. It comes before the lock of the row there, too.
    perform pg_advisory_xact_lock(hashtext('spindle'), hashtext('roles'));
    select * into account from users where users.id = owner for update;
    if not found then
        outcome := 'gone';
        return;
    end if;
    if account.password_hash <> p_verified then
        outcome := 'stale';
        version := 0;
        return;
    end if;
    if account.role = 'admin' and not exists (select from users where role = 'admin' and users.id <> owner) then
        outcome := 'last_admin';
        return;
    end if;
    select count(*) into tasks from tasks t where t.user_id = owner and t.deleted_at is null;
    delete from users where users.id = owner;
    account.email := '';
    account.name := '';
    perform emit_account_event(account, 'user.deleted', p_context, '{"tasks":' || tasks || '}');
    perform start_job(owner, 'close_account', tasks, json_build_object(
        'seq', account.sync_seq, 'context', p_context, 'actor', p_actor)::jsonb);
    outcome := 'deleted';
end
$$;

CREATE FUNCTION public.close_account_step(job public.jobs, p_most bigint) RETURNS public.jobs
    LANGUAGE plpgsql
    AS $$
declare
    moment constant timestamptz := clock_timestamp();
    last_seq bigint := job.state ->> 'seq';
    removed bigint := 0;
    task tasks;
begin
    for task in
        delete from tasks where id = any (array(
            -- Each half has an index; there is none for both.
            (select t.id from tasks t where t.user_id = job.user_id and t.deleted_at is null limit p_most)
            union all
            (select t.id from tasks t where t.user_id = job.user_id and t.deleted_at is not null limit p_most)
            limit p_most))
        returning *
    loop
        removed := removed + 1;
        if task.deleted_at is null then
            last_seq := last_seq + 1;
            task.seq := last_seq;
            task.version := task.version + 1;
            task.updated_at := moment;
            task.deleted_at := moment;
            perform emit_task_events(job.user_id, task.id, 'task.deleted', task.seq, moment,
                job.state ->> 'context', job.state ->> 'actor', task_json(task), '{"deleted_at":null}');
            job.handled := job.handled + 1;
        end if;
    end loop;
    job.state := jsonb_set(job.state, '{seq}', to_jsonb(last_seq));
    job.ended := removed < p_most;
    return job;
end
$$;

CREATE FUNCTION public.compile_search(p_user uuid, p_terms text[], OUT condition text, OUT rank text, OUT lexemes tsquery) RETURNS record
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    AS $$
declare
    owner constant text := right(p_user::text, 4);
    -- More terms would make ranking slow and hardly change it.
    ranked_terms constant integer := 16;
    term text;
    kind text;
    text_words text[];
    last integer;
    begins_inside boolean;
    ends_inside boolean;
    pattern text;
    lexeme text;
    needed text[];
    -- Of the current alternative, and of all.
    conditions text[] := '{}';
    lookups text[] := '{}';
    alternatives text[] := '{}';
    all_lookups text[] := '{}';
    ranks text[] := '{}';
    in_index boolean := true;
begin
    foreach term in array p_terms || '|'::text loop
        if term = '|' then
            if conditions <> '{}' then
                alternatives := alternatives || ('(' || array_to_string(conditions, ' and ') || ')');
                all_lookups := all_lookups || ('(' || array_to_string(lookups, ' & ') || ')');
                in_index := in_index and lookups <> '{}';
            end if;
            conditions := '{}';
            lookups := '{}';
            continue;
        end if;
        kind := substring(term from '^-?[+*"]');
        text_words := string_to_array(trim(words(substr(term, length(kind) + 1))), ' ');
        last := cardinality(text_words);
        continue when last = 0;
        begins_inside := kind not like '%"' and length(text_words[1]) > 2;
        ends_inside := kind not like '%"' and (length(text_words[last]) > 2 or kind = '*');
        pattern := case when begins_inside then '' else ' ' end || array_to_string(text_words, ' ')
            || case when ends_inside then '' else ' ' end;
        if kind like '-%' then
            conditions := conditions || format('not has_term(words, %L)', pattern);
            continue;
        end if;
        conditions := conditions || format('has_term(words, %L)', pattern);
        if cardinality(ranks) < ranked_terms then
            ranks := ranks || format('term_rank(words, %L)', trim(pattern));
        end if;
        needed := '{}';
        for place in 1 .. last loop
            lexeme := format('%s%s''%s', owner, left(text_words[place], 20), case when place = last and ends_inside then ':*' end);
            needed := needed || case
                when place = 1 and begins_inside then format('(''w%s | ''i%s)', lexeme, lexeme)
                else '''w' || lexeme
            end;
        end loop;
        lookups := lookups || array_to_string(needed, ' & ');
    end loop;
    condition := case when alternatives = '{}' then 'false' else '(' || array_to_string(alternatives, ' or ') || ')' end;
    rank := case when ranks = '{}' then '0' else array_to_string(ranks, ' + ') end;
    lexemes := case when in_index and all_lookups <> '{}' then array_to_string(all_lookups, ' | ')::tsquery end;
end
$$;

CREATE PROCEDURE public.create_task(IN p_user text, IN p_id text, IN p_title text, IN p_description text, IN p_status text, IN p_priority text, IN p_tags text[], IN p_due text, IN p_due_instant text, IN p_context text, IN p_actor text, IN p_key text, IN p_fingerprint text, IN p_rate text[], OUT outcome text, OUT version bigint, OUT id text, OUT body text, OUT replayed boolean, OUT rate text)
    LANGUAGE plpgsql
    AS $$
declare
    owner constant uuid := p_user;
    task tasks;
    zone text;
begin
    call admit_write(
        owner, p_rate, p_key, p_fingerprint, p_key is not null, outcome, version, id, body, replayed, rate);
    if outcome is not null then
        return;
    end if;

    update users set sync_seq = sync_seq + 1 where users.id = owner returning sync_seq, timezone into task.seq, zone;
    if not found then
        outcome := 'gone';
        return;
    end if;

    task.id := coalesce(p_id::uuid, uuid_v7());
    task.user_id := owner;
    task.title := p_title;
    task.description := p_description;
    task.status := p_status;
    task.priority := p_priority;
    task.tags := p_tags;
    task.version := 1;
    -- Read after the row is locked, so that a user's times are in the order of the writes.
    task.created_at := clock_timestamp();
    task.updated_at := task.created_at;
    if p_due is not null then
        task.due := p_due;
        task.due_at := due_at(task.due, p_due_instant::timestamptz, zone);
    end if;
    if p_status = 'completed' then
        task.completed_at := task.created_at;
    end if;

    if p_id is null then
        insert into tasks (
            id, user_id, title, description, status, priority, tags, due, due_at, seq, created_at, updated_at, completed_at)
            values (task.id, owner, p_title, p_description, p_status, p_priority, p_tags, task.due, task.due_at, task.seq,
                task.created_at, task.created_at, task.completed_at);
    else
        -- Only an id that the client chose can be in use. `on conflict` costs more, so generated ids do without.
        insert into tasks (
            id, user_id, title, description, status, priority, tags, due, due_at, seq, created_at, updated_at, completed_at)
            values (task.id, owner, p_title, p_description, p_status, p_priority, p_tags, task.due, task.due_at, task.seq,
                task.created_at, task.created_at, task.completed_at)
            on conflict do nothing;
        if not found then
            -- Returns the sequence number. The row is locked, so no other transaction has seen the number.
            update users set sync_seq = sync_seq - 1 where users.id = owner;
            outcome := 'taken';
            perform keep_answer(owner, p_key, p_fingerprint, row(outcome, version, id, body, null, null)::write_result);
            return;
        end if;
    end if;

    outcome := 'made';
    version := 1;
    id := task.id;
    body := task_json(task);
    perform emit_task_events(owner, task.id, 'task.created', task.seq, task.created_at, p_context, p_actor, body, '{}');
    perform keep_answer(owner, p_key, p_fingerprint, row(outcome, version, id, body, null, null)::write_result);
end
$$;

CREATE PROCEDURE public.delete_task(IN p_user text, IN p_id text, IN p_match text, IN p_context text, IN p_actor text, IN p_rate text[], OUT outcome text, OUT version bigint, OUT id text, OUT body text, OUT replayed boolean, OUT rate text)
    LANGUAGE plpgsql
    AS $$
declare
    owner constant uuid := p_user;
    accepted constant bigint[] := p_match;
    task tasks;
begin
    call admit_write(owner, p_rate, null, null, true, outcome, version, id, body, replayed, rate);
    if outcome is not null then
        return;
    end if;
    select * into task from tasks where tasks.id = p_id::uuid and user_id = owner and deleted_at is null;
    if not found then
        outcome := 'missing';
        return;
    end if;
    if task.version <> all (accepted) then
        outcome := 'stale';
        version := task.version;
        return;
    end if;
    update users set sync_seq = sync_seq + 1 where users.id = owner returning sync_seq into task.seq;
    task.version := task.version + 1;
    task.deleted_at := clock_timestamp();
    task.updated_at := task.deleted_at;
    update tasks set version = task.version, seq = task.seq, updated_at = task.updated_at, deleted_at = task.deleted_at
        where tasks.id = task.id;
    perform emit_task_events(
        owner, task.id, 'task.deleted', task.seq, task.deleted_at, p_context, p_actor, task_json(task), '{"deleted_at":null}');
    outcome := 'deleted';
end
$$;

CREATE FUNCTION public.due_at(due json, instant timestamp with time zone, zone text) RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$
declare
    midnight timestamp;
    moment timestamptz;
begin
    if due is null or instant is not null then
        return instant;
    end if;
    midnight := (due ->> 'date')::date + 1;
    -- If local time passes midnight twice, Postgres takes the second one, but the day ends at the first. That one has the offset
    -- of the noon before.
    moment := (midnight - interval '12 hours') at time zone zone + interval '12 hours';
    if moment at time zone zone <> midnight then
        moment := midnight at time zone zone;
    end if;
    return moment - interval '1 microsecond';
end
$$;

CREATE TABLE public.users (
    id uuid NOT NULL,
    email text NOT NULL,
    password_hash text NOT NULL,
    name text DEFAULT ''::text NOT NULL,
    role text DEFAULT 'user'::text NOT NULL,
    timezone text DEFAULT 'UTC'::text NOT NULL,
    sync_seq bigint DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT users_email_check CHECK ((length(email) <= 320)),
    CONSTRAINT users_role_check CHECK ((role = ANY (ARRAY['user'::text, 'auditor'::text, 'admin'::text, 'service'::text])))
)
WITH (fillfactor='70');

CREATE FUNCTION public.emit_account_event(account public.users, p_type text, p_context text, p_details text) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    perform emit_account_event_by(
        account, p_type, p_context, p_details, '{"type":"user","id":"' || account.id::text || '"}');
end
$$;

CREATE FUNCTION public.emit_account_event_by(account public.users, p_type text, p_context text, p_details text, p_actor text) RETURNS void
    LANGUAGE plpgsql
    AS $$
declare
    event_id uuid := uuid_v7();
begin
    insert into outbox (topic, user_id, event_id, event) values ('account-events', account.id, event_id,
        '{"specversion":"1.0","id":"' || event_id::text
        || '","source":"/spindle/api","type":"' || p_type
        || '","subject":"' || account.id::text
        || '","time":"' || rfc3339(clock_timestamp())
        || '","datacontenttype":"application/json","userid":"' || account.id::text
        || '","seq":' || account.sync_seq::text || ',' || p_context
        || ',"data":{"user":' || user_json(account)
        || ',"details":' || p_details
        || ',"actor":' || p_actor || '}}');
end
$$;

CREATE FUNCTION public.emit_task_events(p_user uuid, p_task uuid, p_type text, p_seq bigint, p_at timestamp with time zone, p_context text, p_actor text, p_body text, p_previous text) RETURNS void
    LANGUAGE plpgsql
    AS $$
declare
    happened uuid := uuid_v7();
    changed uuid := uuid_v7();
    head text := '{"specversion":"1.0","source":"/spindle/api","subject":"' || p_task::text
        || '","time":"' || rfc3339(p_at)
        || '","datacontenttype":"application/json","userid":"' || p_user::text
        || '","seq":' || p_seq::text || ',' || p_context
        || ',"data":{"task":' || p_body || ',"previous":' || p_previous || ',"actor":' || p_actor || '},"type":"';
begin
    insert into outbox (topic, user_id, event_id, event) values
        ('task-events', p_user, happened, head || p_type || '","id":"' || happened::text || '"}'),
        ('task-updates', p_user, changed, head || 'task.changed","id":"' || changed::text || '"}');
end
$$;

CREATE PROCEDURE public.end_session(IN p_hash text, IN p_context text, IN p_address text[], IN p_user text[], OUT known boolean, OUT rate text)
    LANGUAGE plpgsql
    AS $$
declare
    presented constant bytea := decode(p_hash, 'hex');
    admitted boolean;
    token refresh_tokens;
    account users;
begin
    call admit_session(presented, p_address, p_user, known, rate, admitted);
    if not admitted then
        return;
    end if;
    account := session_owner(presented);
    select * into token from refresh_tokens where hash = presented;
    if not found then
        return;
    end if;
    update refresh_tokens set revoked_at = clock_timestamp() where family = token.family and revoked_at is null;
    if found then
        perform emit_account_event(
            account, 'user.token-revoked', p_context, '{"family":"' || token.family::text || '","reason":"logout"}');
    end if;
end
$$;

CREATE PROCEDURE public.export_trail(IN p_user text, IN p_task text, IN p_type text, IN p_actor text, IN p_from text, IN p_to text, IN p_correlation text, IN p_key text, IN p_id text, IN p_began text, IN p_limit bigint, IN p_rate text[], OUT lines text, OUT next_key text, OUT next_id text, OUT began text, OUT rate text)
    LANGUAGE plpgsql
    AS $$
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
        select l as entry, l.no, l.event_id
        from matching_entries(p_user, p_task, p_type, p_actor, p_from, p_to, p_correlation) l
        where (p_key is null or l.no > p_key::bigint) and l.recorded_at <= started
        order by l.no
        limit p_limit
    )
    select
        (select string_agg(audit_line(p.entry), '' order by p.no) from page p),
        last.no::text,
        last.event_id::text
        into lines, next_key, next_id
        from (select) always
        left join (select p.no, p.event_id from page p order by p.no desc limit 1) last
            on (select count(*) from page) = p_limit;
end
$$;

CREATE PROCEDURE public.export_trails(IN p_user text, IN p_task text, IN p_type text, IN p_actor text, IN p_from text, IN p_to text, IN p_correlation text, IN p_key text, IN p_id text, IN p_began text, IN p_limit bigint, IN p_rate text[], OUT lines text, OUT next_key text, OUT next_id text, OUT began text, OUT rate text)
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.fold(given text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
begin
    -- ASCII needs no normalisation.
    if octet_length(given) = length(given) then
        return lower(given);
    end if;
    -- NFKD separates letters from their marks. NFC composes what is left, for example Korean syllables and Japanese letters with a
    -- voiced mark. The last steps replace letters that do not decompose: variants of Arabic letters, Arabic digits, ligatures.
    return replace(replace(replace(replace(
        translate(
            lower(normalize(regexp_replace(normalize(given, nfkd),
                -- Accents, vowel signs of Hebrew and Arabic, tatweel (U+0640), and marks around symbols.
                '[\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670'
                '\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed\u0711\u0730-\u074a\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f'
                -- Characters that nobody sees: soft hyphens, zero-width spaces and joiners, directions, variants and skin tones.
                '\u00ad\u061c\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U0001f3fb-\U0001f3ff'
                '\U000e0000-\U000e0fff]',
                '', 'g'), nfc)),
            'øłđðħıςٱىیکةەہھ٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹',
            'olddhiσاييكهههه01234567890123456789'),
        'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th');
end
$$;

CREATE FUNCTION public.free_slot(p_slot uuid) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    delete from hashes_running where slot = p_slot;
end
$$;

CREATE PROCEDURE public.get_task(IN p_user text, IN p_id text, IN p_rate text[], OUT version bigint, OUT body text, OUT rate text)
    LANGUAGE plpgsql
    AS $$
declare
    admitted boolean;
    task tasks;
begin
    call admit(p_rate, rate, admitted);
    if not admitted then
        return;
    end if;
    select * into task from tasks where id = p_id::uuid and user_id = p_user::uuid and deleted_at is null;
    if found then
        version := task.version;
        body := task_json(task);
    end if;
end
$$;

CREATE FUNCTION public.has_term(words text, term text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    select strpos(words, term) > 0
        and (left(term, 1) = ' ' or strpos(words, term) <= 5000 or strpos(words, ' ' || term) > 0)
$$;

CREATE FUNCTION public.infixes(words tsvector) RETURNS tsvector
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
declare
    word text;
    endings text[] := '{}';
begin
    foreach word in array tsvector_to_array(words) loop
        for start in 7 .. length(word) - 2 loop
            endings := endings || ('i' || substr(word, 2, 4) || substr(word, start, 20));
        end loop;
    end loop;
    return array_to_tsvector(endings);
end
$$;

CREATE FUNCTION public.is_timezone(p_name text) RETURNS boolean
    LANGUAGE plpgsql STABLE
    AS $$
begin
    perform clock_timestamp() at time zone p_name;
    return true;
exception when invalid_parameter_value then
    return false;
end
$$;

CREATE FUNCTION public.issue_token(p_user uuid, p_family uuid, p_hash bytea) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    insert into refresh_tokens (hash, user_id, family, expires_at)
        values (p_hash, p_user, p_family, clock_timestamp() + interval '30 days');
end
$$;

CREATE FUNCTION public.job_step(job public.jobs, p_most bigint) RETURNS public.jobs
    LANGUAGE plpgsql
    AS $$
begin
    case job.kind
        when 'close_account' then return close_account_step(job, p_most);
        when 'move_days' then return move_days_step(job, p_most);
        when 'rename_tag' then return rename_tag_step(job, p_most);
    end case;
end
$$;

CREATE FUNCTION public.keep_answer(p_user uuid, p_key text, p_fingerprint text, p_answer public.write_result) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    if p_key is null then
        return;
    end if;
    delete from idempotency_keys where ctid = any (array(
        select ctid from idempotency_keys where created_at < clock_timestamp() - interval '24 hours'
        order by created_at limit 3 for update skip locked));
    insert into idempotency_keys (user_id, key, fingerprint, outcome, version, id, body)
        values (p_user, p_key, p_fingerprint, p_answer.outcome, p_answer.version, p_answer.id, p_answer.body)
        on conflict (user_id, key) do update set
            fingerprint = excluded.fingerprint, outcome = excluded.outcome, version = excluded.version, id = excluded.id,
            body = excluded.body, created_at = excluded.created_at;
end
$$;

CREATE PROCEDURE public.list_history(IN p_task text, IN p_user text, IN p_key text, IN p_id text, IN p_limit bigint, IN p_rate text[], OUT items text, OUT next_key text, OUT next_id text, OUT known boolean, OUT rate text)
    LANGUAGE plpgsql
    AS $$
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

CREATE PROCEDURE public.list_tags(IN p_user text, IN p_key text, IN p_id text, IN p_limit bigint, IN p_rate text[], OUT items text, OUT next_key text, OUT next_id text, OUT rate text)
    LANGUAGE plpgsql
    AS $$
declare
    admitted boolean;
begin
    call admit(p_rate, rate, admitted);
    if not admitted then
        return;
    end if;
    with page as (
        select key, (array_agg(tag order by created_at, tasks.id))[1] as tag, count(distinct tasks.id) as tasks,
            row_number() over (order by key collate title_order) as place
        from tasks cross join unnest(tags, tag_keys) as one (tag, key)
        where user_id = p_user::uuid
            and deleted_at is null
            and (p_key is null or key collate title_order > p_key)
        group by key
        order by key collate title_order
        limit p_limit + 1
    )
    select
        '[' || coalesce(string_agg('{"tag":' || to_json(tag)::text || ',"count":' || tasks || '}', ',' order by place)
            filter (where place <= p_limit), '') || ']',
        case when count(*) > p_limit then max(key) filter (where place = p_limit) end,
        case when count(*) > p_limit then '00000000-0000-0000-0000-000000000000' end
        into items, next_key, next_id
        from page;
end
$$;

CREATE PROCEDURE public.list_tasks(IN p_user text, IN p_status text[], IN p_priority text[], IN p_tags text[], IN p_tags_any text[], IN p_due_before text, IN p_due_after text, IN p_overdue boolean, IN p_series text, IN p_updated_after text, IN p_terms text[], IN p_sort text, IN p_descending boolean, IN p_key text, IN p_id text, IN p_limit bigint, IN p_rate text[], OUT items text, OUT next_key text, OUT next_id text, OUT ranked bigint, OUT rate text)
    LANGUAGE plpgsql
    AS $$
declare
    admitted boolean;
begin
    call admit(p_rate, rate, admitted);
    if not admitted then
        return;
    end if;
    select page.items, page.next_key, page.next_id, page.ranked into items, next_key, next_id, ranked
        from task_page(
            p_user::uuid, p_status, p_priority, p_tags, p_tags_any, p_due_before, p_due_after, p_overdue, p_series,
            p_updated_after, p_terms, p_sort, p_descending, p_key, p_id, p_limit) page;
end
$$;

CREATE PROCEDURE public.list_trail(IN p_user text, IN p_task text, IN p_type text, IN p_actor text, IN p_from text, IN p_to text, IN p_correlation text, IN p_key text, IN p_id text, IN p_limit bigint, IN p_rate text[], OUT items text, OUT next_key text, OUT next_id text, OUT rate text)
    LANGUAGE plpgsql
    AS $$
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

CREATE PROCEDURE public.list_trails(IN p_user text, IN p_task text, IN p_type text, IN p_actor text, IN p_from text, IN p_to text, IN p_correlation text, IN p_key text, IN p_id text, IN p_limit bigint, IN p_rate text[], OUT items text, OUT next_key text, OUT next_id text, OUT rate text)
    LANGUAGE plpgsql
    AS $$
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
        select l as entry, l.time, l.event_id
        from matching_entries(p_user, p_task, p_type, p_actor, p_from, p_to, p_correlation) l
        where p_key is null or (l.time, l.event_id) < (p_key::timestamptz, p_id::uuid)
        order by l.time desc, l.event_id desc
        limit p_limit + 1
    ), shown as (
        select p.* from page p order by p.time desc, p.event_id desc limit p_limit
    )
    select
        (select coalesce(json_agg(audit_item(s.entry) order by s.time desc, s.event_id desc), '[]')::text from shown s),
        rfc3339(last.time),
        last.event_id::text
        into items, next_key, next_id
        from (select) always
        left join (select s.time, s.event_id from shown s order by s.time, s.event_id limit 1) last
            on (select count(*) from page) > p_limit;
end
$$;

CREATE PROCEDURE public.list_users(IN p_email text, IN p_role text, IN p_key text, IN p_id text, IN p_limit bigint, IN p_caller text, IN p_rate text[], OUT items text, OUT next_key text, OUT next_id text, OUT is_admin boolean, OUT rate text)
    LANGUAGE plpgsql
    AS $$
declare
    admitted boolean;
begin
    call admit(p_rate, rate, admitted);
    if not admitted then
        return;
    end if;
    is_admin := exists (select from users u where u.id = p_caller::uuid and u.role = 'admin');
    if not is_admin then
        return;
    end if;
    -- The filters that are null disappear only from a plan for these values.
    set local plan_cache_mode = force_custom_plan;
    with page as (
        select u.id, user_json(u) as shown, row_number() over (order by u.id desc) as place
        from users u
        where (p_email is null or lower(u.email) = lower(p_email))
            and (p_role is null or u.role = p_role)
            and (p_id is null or u.id < p_id::uuid)
        order by u.id desc
        limit p_limit + 1
    )
    select
        '[' || coalesce(string_agg(shown, ',' order by place) filter (where place <= p_limit), '') || ']',
        case when count(*) > p_limit then '' end,
        case when count(*) > p_limit then max(page.id::text) filter (where place = p_limit) end
        into items, next_key, next_id
        from page;
end
$$;

CREATE FUNCTION public.log_drain_batch(shards smallint[], topics text[], first_id bigint, most integer, most_bytes bigint, OUT moved integer, OUT last_id bigint, OUT cut_off boolean) RETURNS record
    LANGUAGE plpgsql
    AS $$
declare
    known text[] := array(select t.topic from log_topics t where t.topic = any (topics));
    taken int;
begin
    -- One writer at a time: two bridges whose shards share partitions could otherwise lock log_heads rows in opposite
    -- orders and deadlock.
    perform pg_advisory_xact_lock(hashtext('spindle'), hashtext('log_drain'));

    with candidates as (
        select o.id, octet_length(o.event) as bytes
        from outbox o
        where o.id >= first_id and shard_of(o.user_id) = any (shards) and o.topic = any (known)
        order by o.id
        limit most
        for update skip locked
    ), measured as (
        select c.id, sum(c.bytes) over (order by c.id rows unbounded preceding) - c.bytes as bytes_before
        from candidates c
    ), claimed as (
        delete from outbox
        where id = any (array(select m.id from measured m where m.bytes_before < most_bytes))
        returning id, topic, user_id, event_id, event
    ), parted as (
        select c.*, shard_of(c.user_id) % t.partitions as partition
        from claimed c
        join log_topics t using (topic)
    ), placed as (
        select p.*, row_number() over (partition by p.topic, p.partition order by p.id) as place
        from parted p
    ), heads as (
        update log_heads h
        set head = h.head + p.records
        from (select topic, partition, count(*) as records from placed group by topic, partition) p
        where h.topic = p.topic and h.partition = p.partition
        returning h.topic, h.partition, h.head - p.records as base
    ), appended as (
        insert into log_records (topic, partition, "offset", user_id, event_id, event)
        select p.topic, p.partition, h.base + p.place - 1, p.user_id, p.event_id, p.event
        from placed p
        join heads h on h.topic = p.topic and h.partition = p.partition
        returning 1
    )
    select (select count(*) from appended), (select max(c.id) from claimed c), (select count(*) from claimed),
        (select count(*) >= most or max(m.bytes_before) >= most_bytes from measured m)
    into moved, last_id, taken, cut_off;
    cut_off := coalesce(cut_off, false);

    -- A topic without a head for each of its partitions would lose the rows.
    if moved <> taken then
        raise exception 'the log has no head for a partition of % outbox rows', taken - moved;
    end if;
end
$$;

CREATE FUNCTION public.make_admin(p_email text, p_password_hash text, p_name text, p_context text, p_actor text) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
declare
    made write_result;
    done write_result;
begin
    made := register_user(p_email, p_password_hash, p_name, 'UTC', p_context, null);
    if made.outcome <> 'made' then
        return false;
    end if;
    call update_account(made.id, null, null, null, 'admin', p_context, p_actor, null,
        done.outcome, done.version, done.id, done.body, done.replayed, done.rate);
    return true;
end
$$;

CREATE FUNCTION public.matching_entries(p_user text, p_task text, p_type text, p_actor text, p_from text, p_to text, p_correlation text) RETURNS SETOF public.audit_logs
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $_$
    select *
    from audit_logs
    where (p_user is null or user_id = p_user::uuid)
        and (p_task is null or task_id = p_task::uuid)
        and (p_type is null or type = p_type)
        -- Ids of users are UUIDs, and other actors have names. The planner knows the parameters, so one branch remains. All but the
        -- second and the third have an index; those two match most entries, so that the order of the list finds them soon.
        and case
            when p_actor is null then true
            when p_actor = 'user' then actor_type = 'user'
            when p_actor = p_user then actor_id = p_actor
            when p_actor !~ '^[0-9a-f-]{36}$' then
                actor_type <> 'user' and actor_id <> user_id::text and p_actor in (actor_id, actor_type)
            when p_user is null then actor_id = p_actor
            else actor_id <> user_id::text and actor_id = p_actor
        end
        and (p_from is null or time >= p_from::timestamptz)
        and (p_to is null or time < p_to::timestamptz)
        and (p_correlation is null or correlation_id = p_correlation)
$_$;

CREATE FUNCTION public.move_days_step(job public.jobs, p_most bigint) RETURNS public.jobs
    LANGUAGE plpgsql
    AS $$
declare
    moment constant timestamptz := clock_timestamp();
    account users;
    task tasks;
    old_due_at timestamptz;
    seen bigint := 0;
begin
    select * into account from users where id = job.user_id for no key update;
    if not found then
        job.ended := true;
        return job;
    end if;
    for task in
        select * from tasks t
        where t.user_id = job.user_id and t.deleted_at is null and t.created_at <= job.created_at
            and (t.created_at, t.id) > (
                coalesce((job.state ->> 'created_at')::timestamptz, '-infinity'),
                coalesce((job.state ->> 'id')::uuid, '00000000-0000-0000-0000-000000000000'))
        order by t.created_at, t.id
        limit p_most
    loop
        seen := seen + 1;
        job.state := job.state || jsonb_build_object('created_at', task.created_at, 'id', task.id);
        continue when task.due ->> 'date' is null;
        job.handled := job.handled + 1;
        old_due_at := task.due_at;
        task.due_at := due_at(task.due, null, account.timezone);
        continue when task.due_at = old_due_at;
        account.sync_seq := account.sync_seq + 1;
        task.seq := account.sync_seq;
        task.version := task.version + 1;
        task.updated_at := moment;
        update tasks t set version = task.version, seq = task.seq, updated_at = moment, due_at = task.due_at where t.id = task.id;
        perform emit_task_events(job.user_id, task.id, 'task.updated', task.seq, moment,
            job.state ->> 'context', job.state ->> 'actor', task_json(task), '{"due_at":"' || rfc3339(old_due_at) || '"}');
    end loop;
    update users set sync_seq = account.sync_seq where id = job.user_id;
    job.ended := seen < p_most;
    return job;
end
$$;

CREATE FUNCTION public.promote_user(p_email text, p_context text, p_actor text) RETURNS text
    LANGUAGE plpgsql
    AS $$
declare
    account constant text := (select u.id from users u where lower(u.email) = lower(p_email));
    done write_result;
begin
    if account is null then
        return null;
    end if;
    call update_account(account, null, null, null, 'admin', p_context, p_actor, null,
        done.outcome, done.version, done.id, done.body, done.replayed, done.rate);
    return done.outcome;
end
$$;

CREATE PROCEDURE public.read_account(IN p_user text, IN p_rate text[], OUT account text, OUT rate text)
    LANGUAGE plpgsql
    AS $$
declare
    admitted boolean;
begin
    call admit(p_rate, rate, admitted);
    if admitted then
        account := (select user_json(u) from users u where u.id = p_user::uuid);
    end if;
end
$$;

CREATE PROCEDURE public.read_due(IN p_user text, IN p_id text, IN p_rate text[], OUT version bigint, OUT due text, OUT rate text)
    LANGUAGE plpgsql
    AS $$
declare
    admitted boolean;
    task tasks;
begin
    call admit(p_rate, rate, admitted);
    if not admitted then
        return;
    end if;
    select * into task from tasks where id = p_id::uuid and user_id = p_user::uuid and deleted_at is null;
    version := task.version;
    due := task.due::text;
end
$$;

CREATE PROCEDURE public.read_job(IN p_user text, IN p_id text, IN p_rate text[], OUT body text, OUT rate text)
    LANGUAGE plpgsql
    AS $$
declare
    admitted boolean;
begin
    call admit(p_rate, rate, admitted);
    if not admitted then
        return;
    end if;
    select json_build_object(
            'id', j.id, 'kind', replace(j.kind, '_', '-'),
            'state', case when j.ended then 'ended' when j.failures > 0 then 'failing' else 'running' end,
            'handled', j.handled, 'total', greatest(j.total, j.handled),
            'created_at', rfc3339(j.created_at), 'updated_at', rfc3339(j.updated_at))::text
        into body
        from jobs j where j.id = p_id::uuid and j.user_id = p_user::uuid;
end
$$;

CREATE PROCEDURE public.read_user(IN p_user text, IN p_caller text, IN p_rate text[], OUT items text, OUT next_key text, OUT next_id text, OUT is_admin boolean, OUT rate text)
    LANGUAGE plpgsql
    AS $$
declare
    admitted boolean;
begin
    call admit(p_rate, rate, admitted);
    if not admitted then
        return;
    end if;
    is_admin := exists (select from users u where u.id = p_caller::uuid and u.role = 'admin');
    if is_admin then
        items := (select user_json(u) from users u where u.id = p_user::uuid);
    end if;
end
$$;

CREATE FUNCTION public.rebuild_tasks(p_after uuid, p_rows integer, OUT last_id uuid, OUT skipped bigint) RETURNS record
    LANGUAGE plpgsql
    AS $$
declare
    chunk uuid[];
    rebuilt bigint;
begin
    chunk := array(
        select id from tasks
        where id > p_after and (words is null or (tags <> '{}' and tag_keys = '{}'))
        order by id limit p_rows);
    with unlocked as (
        select id, task_words(title, description, tags) as words from tasks where id = any (chunk) for no key update skip locked
    )
    update tasks set words = unlocked.words, search = task_lexemes(user_id, unlocked.words), tag_keys = tag_keys(tags)
        from unlocked
        where tasks.id = unlocked.id;
    get diagnostics rebuilt = row_count;
    last_id := chunk[cardinality(chunk)];
    skipped := cardinality(chunk) - rebuilt;
end
$$;

CREATE PROCEDURE public.refresh_session(IN p_hash text, IN p_next_hash text, IN p_context text, IN p_address text[], IN p_user text[], OUT user_id text, OUT role text, OUT known boolean, OUT rate text)
    LANGUAGE plpgsql
    AS $$
declare
    presented constant bytea := decode(p_hash, 'hex');
    admitted boolean;
    token refresh_tokens;
    account users;
begin
    call admit_session(presented, p_address, p_user, known, rate, admitted);
    if not admitted then
        return;
    end if;
    account := session_owner(presented);
    select * into token from refresh_tokens where hash = presented;
    if not found or token.revoked_at is not null or token.expires_at < clock_timestamp() then
        return;
    end if;
    if token.replaced_at < clock_timestamp() - interval '30 seconds' then
        update refresh_tokens set revoked_at = clock_timestamp() where family = token.family and revoked_at is null;
        perform emit_account_event(
            account, 'user.token-revoked', p_context, '{"family":"' || token.family::text || '","reason":"reuse"}');
        return;
    end if;
    update refresh_tokens set replaced_at = clock_timestamp() where hash = presented and replaced_at is null;
    perform issue_token(account.id, token.family, decode(p_next_hash, 'hex'));
    perform emit_account_event(account, 'user.token-refreshed', p_context, '{"family":"' || token.family::text || '"}');
    user_id := account.id;
    role := account.role;
end
$$;

CREATE PROCEDURE public.refuse_login(IN p_user text, IN p_context text, IN p_slot text, OUT told boolean)
    LANGUAGE plpgsql
    AS $$
declare
    account users;
begin
    -- Committed before the wait for the user's row, so that a user who is busy does not keep a slot from others.
    perform free_slot(p_slot::uuid);
    commit;
    select * into account from users where id = p_user::uuid for no key update;
    told := found;
    if told then
        perform emit_account_event(account, 'user.login-failed', p_context, '{"reason":"wrong-password"}');
    else
        -- A logical message that nobody reads: the commit flushes it, as it flushes the row of an event.
        perform pg_logical_emit_message(true, 'spindle', 'login failed');
    end if;
end
$$;

CREATE FUNCTION public.register_user(p_email text, p_password_hash text, p_name text, p_timezone text, p_context text, p_slot uuid) RETURNS public.write_result
    LANGUAGE plpgsql
    AS $$
declare
    result write_result;
    account users;
begin
    result.replayed := false;
    perform free_slot(p_slot);
    if not is_timezone(p_timezone) then
        result.outcome := 'unknown_timezone';
        return result;
    end if;
    insert into users (id, email, password_hash, name, timezone)
        values (uuid_v7(), p_email, p_password_hash, p_name, p_timezone)
        on conflict do nothing
        returning * into account;
    if not found then
        result.outcome := 'taken';
        return result;
    end if;
    perform emit_account_event(account, 'user.registered', p_context, '{}');
    result.outcome := 'made';
    result.id := account.id;
    result.body := user_json(account);
    return result;
end
$$;

CREATE PROCEDURE public.rename_tag(IN p_user text, IN p_tag text, IN p_name text, IN p_context text, IN p_actor text, IN p_rate text[], OUT outcome text, OUT version bigint, OUT id text, OUT body text, OUT replayed boolean, OUT rate text)
    LANGUAGE plpgsql
    AS $$
declare
    owner constant uuid := p_user;
    old_key constant text := tag_key(p_tag);
    new_key constant text := tag_key(p_name);
    admitted boolean;
    job jobs;
    merged boolean;
    tasks bigint;
begin
    call admit_write(owner, p_rate, null, null, false, outcome, version, id, body, replayed, rate);
    if outcome is not null then
        return;
    end if;
    -- The charge comes before the work, because work that takes too long fails.
    tasks := count(*) from tasks t
        where t.user_id = owner and t.deleted_at is null and t.tag_keys <> '{}' and t.tag_keys @> array[old_key];
    call admit_rows(p_rate, tasks, rate, admitted);
    if not admitted then
        outcome := 'limited';
        return;
    end if;
    perform from users where users.id = owner for no key update;
    if not found then
        outcome := 'gone';
        return;
    end if;
    merged := new_key <> old_key and exists (
        select from tasks t where t.user_id = owner and t.deleted_at is null and t.tag_keys <> '{}' and t.tag_keys @> array[new_key]);
    job := begin_job(owner, 'rename_tag', tasks, json_build_object(
        'tag', p_tag, 'name', p_name, 'context', p_context, 'actor', p_actor)::jsonb);
    select count(*) into tasks
        from tasks t where t.user_id = owner and t.deleted_at is null and t.tag_keys <> '{}' and t.tag_keys @> array[new_key];
    if not job.ended then
        outcome := 'started';
        id := job.id;
    elsif job.handled > 0 then
        outcome := 'changed';
    elsif new_key = old_key and tasks > 0 then
        outcome := 'unchanged';
    else
        outcome := 'missing';
        return;
    end if;
    body := '{"count":' || tasks || ',"merged":' || merged || ',"tag":' || to_json(p_name)::text || '}';
end
$$;

CREATE FUNCTION public.rename_tag_step(job public.jobs, p_most bigint) RETURNS public.jobs
    LANGUAGE plpgsql
    AS $$
declare
    new_tag constant text := job.state ->> 'name';
    old_key constant text := tag_key(job.state ->> 'tag');
    new_key constant text := tag_key(new_tag);
    has_new boolean;
    moment constant timestamptz := clock_timestamp();
    last_seq bigint;
    task tasks;
    old_tags text[];
    changed bigint := 0;
begin
    select sync_seq into last_seq from users where id = job.user_id for no key update;
    if not found then
        job.ended := true;
        return job;
    end if;
    for task in
        select * from tasks t
        where t.user_id = job.user_id and t.deleted_at is null and t.tag_keys <> '{}' and t.tag_keys @> array[old_key]
            and t.created_at <= job.created_at
            -- A task that has the same tag in the new spelling is done.
            and (new_key <> old_key or not t.tags @> array[new_tag])
        limit p_most
    loop
        changed := changed + 1;
        old_tags := task.tags;
        has_new := new_key <> old_key and task.tag_keys @> array[new_key];
        task.tags := array(
            select case when o.key = old_key then new_tag else o.tag end
            from unnest(old_tags, task.tag_keys) with ordinality as o (tag, key, place)
            where o.key <> old_key or (not has_new and o.place = array_position(task.tag_keys, old_key))
            order by o.place);
        task.seq := last_seq + changed;
        task.version := task.version + 1;
        task.updated_at := moment;
        update tasks t set tags = task.tags, version = task.version, seq = task.seq, updated_at = moment where t.id = task.id;
        perform emit_task_events(job.user_id, task.id, 'task.updated', task.seq, moment,
            job.state ->> 'context', job.state ->> 'actor', task_json(task), '{"tags":' || array_to_json(old_tags)::text || '}');
    end loop;
    update users set sync_seq = last_seq + changed where id = job.user_id;
    job.handled := job.handled + changed;
    job.ended := changed < p_most;
    return job;
end
$$;

CREATE PROCEDURE public.replace_password(IN p_user text, IN p_old text, IN p_new text, IN p_hash text, IN p_context text, IN p_slot text, OUT role text)
    LANGUAGE plpgsql
    AS $$
declare
    owner constant uuid := p_user;
    account users;
    family uuid := gen_random_uuid();
begin
    -- Committed before the wait for the user's row, so that a user who is busy does not keep a slot from others.
    perform free_slot(p_slot::uuid);
    commit;
    update users set password_hash = p_new, updated_at = clock_timestamp()
        where id = owner and password_hash = p_old
        returning * into account;
    if not found then
        return;
    end if;
    update refresh_tokens set revoked_at = clock_timestamp() where user_id = owner and revoked_at is null;
    perform issue_token(owner, family, decode(p_hash, 'hex'));
    perform emit_account_event(account, 'user.password-changed', p_context, '{"family":"' || family::text || '"}');
    role := account.role;
end
$$;

CREATE PROCEDURE public.restore_task(IN p_user text, IN p_id text, IN p_match text, IN p_context text, IN p_actor text, IN p_key text, IN p_fingerprint text, IN p_rate text[], OUT outcome text, OUT version bigint, OUT id text, OUT body text, OUT replayed boolean, OUT rate text)
    LANGUAGE plpgsql
    AS $$
declare
    owner constant uuid := p_user;
    accepted constant bigint[] := p_match;
    task tasks;
    zone text;
    old_due_at timestamptz;
    previous text;
begin
    call admit_write(owner, p_rate, p_key, p_fingerprint, true, outcome, version, id, body, replayed, rate);
    if outcome is not null then
        return;
    end if;
    select * into task from tasks where tasks.id = p_id::uuid and user_id = owner;
    if not found then
        outcome := 'missing';
        perform keep_answer(owner, p_key, p_fingerprint, row(outcome, version, id, body, null, null)::write_result);
        return;
    end if;
    if task.version <> all (accepted) then
        outcome := 'stale';
        version := task.version;
        perform keep_answer(owner, p_key, p_fingerprint, row(outcome, version, id, body, null, null)::write_result);
        return;
    end if;

    if task.deleted_at is null then
        outcome := 'unchanged';
    else
        outcome := 'changed';
        update users set sync_seq = sync_seq + 1 where users.id = owner returning sync_seq, timezone into task.seq, zone;
        previous := '"deleted_at":"' || rfc3339(task.deleted_at) || '"';
        if task.due ->> 'date' is not null then
            old_due_at := task.due_at;
            task.due_at := due_at(task.due, null, zone);
            if task.due_at <> old_due_at then
                previous := previous || ',"due_at":"' || rfc3339(old_due_at) || '"';
            end if;
        end if;
        task.version := task.version + 1;
        task.updated_at := clock_timestamp();
        task.deleted_at := null;
        update tasks set
            version = task.version, seq = task.seq, updated_at = task.updated_at, due_at = task.due_at, deleted_at = null
            where tasks.id = task.id;
    end if;
    version := task.version;
    body := task_json(task);
    if outcome = 'changed' then
        perform emit_task_events(
            owner, task.id, 'task.restored', task.seq, task.updated_at, p_context, p_actor, body,
            '{' || previous || '}');
    end if;
    perform keep_answer(owner, p_key, p_fingerprint, row(outcome, version, id, body, null, null)::write_result);
end
$$;

CREATE FUNCTION public.run_job(p_most bigint, OUT job_id uuid, OUT kind text, OUT ended boolean, OUT error text) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
declare
    job jobs;
begin
    select * into job from jobs j where not j.ended and j.next_at <= clock_timestamp()
        order by j.next_at limit 1 for no key update skip locked;
    if not found then
        return;
    end if;
    job_id := job.id;
    kind := job.kind;
    begin
        job := job_step(job, p_most);
        job.failures := 0;
        job.error := null;
        job.next_at := clock_timestamp();
    exception when others then
        -- The block has undone the step, and with it the changes to `job` do not matter: only these members are written.
        select * into job from jobs j where j.id = job_id;
        job.failures := job.failures + 1;
        job.error := sqlerrm;
        job.next_at := clock_timestamp() + least(power(2, least(job.failures, 10) - 1), 300) * interval '1 second';
    end;
    update jobs j set
        state = job.state, handled = job.handled, ended = job.ended, failures = job.failures, error = job.error,
        next_at = job.next_at, updated_at = clock_timestamp()
        where j.id = job_id;
    ended := job.ended;
    error := job.error;
end
$$;

CREATE FUNCTION public.search_query(user_id uuid, terms text[], exactly boolean) RETURNS tsquery
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
begin
    return (compile_search(user_id, terms)).lexemes;
end
$$;

CREATE FUNCTION public.session_owner(p_hash bytea) RETURNS public.users
    LANGUAGE plpgsql
    AS $$
declare
    account users;
begin
    select u.* into account
        from refresh_tokens t join users u on u.id = t.user_id
        where t.hash = p_hash
        for no key update of u;
    return account;
end
$$;

CREATE FUNCTION public.set_tag_keys() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    new.tag_keys := tag_keys(new.tags);
    return new;
end
$$;

CREATE FUNCTION public.set_task_words() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    new.words := task_words(new.title, new.description, new.tags);
    new.search := task_lexemes(new.user_id, new.words);
    return new;
end
$$;

CREATE FUNCTION public.shard_of(user_id uuid) RETURNS smallint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (get_byte(uuid_send(user_id), 15) % 12);

CREATE FUNCTION public.start_job(p_user uuid, p_kind text, p_total bigint, p_state jsonb) RETURNS uuid
    LANGUAGE plpgsql
    AS $$
declare
    job_id constant uuid := uuid_v7();
begin
    insert into jobs (id, user_id, kind, total, state) values (job_id, p_user, p_kind, p_total, p_state);
    return job_id;
end
$$;

CREATE PROCEDURE public.start_session(IN p_user text, IN p_verified text, IN p_hash text, IN p_context text, IN p_slot text, OUT role text)
    LANGUAGE plpgsql
    AS $$
declare
    owner constant uuid := p_user;
    account users;
    family uuid := gen_random_uuid();
begin
    -- Committed before the wait for the user's row, so that a user who is busy does not keep a slot from others.
    perform free_slot(p_slot::uuid);
    commit;
    select * into account from users where id = owner and password_hash = p_verified for no key update;
    if not found then
        return;
    end if;
    perform issue_token(owner, family, decode(p_hash, 'hex'));
    perform emit_account_event(account, 'user.login', p_context, '{"family":"' || family::text || '"}');
    role := account.role;
end
$$;

CREATE FUNCTION public.sweep_expired(p_table text, most bigint) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
declare
    moment constant timestamptz := clock_timestamp();
    removed bigint;
begin
    case p_table
        when 'idempotency_keys' then
            delete from idempotency_keys where ctid = any (array(
                select ctid from idempotency_keys where created_at < moment - interval '24 hours' limit most));
        when 'refresh_tokens' then
            delete from refresh_tokens where ctid = any (array(
                select ctid from refresh_tokens where expires_at < moment limit most));
        when 'tasks' then
            delete from tasks where id = any (array(
                select id from tasks where deleted_at < moment - interval '30 days' limit most));
        when 'jobs' then
            delete from jobs where id = any (array(
                select id from jobs where ended and updated_at < moment - interval '30 days' limit most));
    end case;
    get diagnostics removed = row_count;
    return removed;
end
$$;

CREATE FUNCTION public.tag_key(tag text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
begin
    if octet_length(tag) = length(tag) then
        return lower(btrim(tag, E' \t\n\v\f\r'));
    end if;
    return normalize(lower(upper(normalize(
        btrim(tag, E' \t\n\v\f\r\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a'
            '\u200b\u2028\u2029\u202f\u205f\u2060\u3000\ufeff'), nfc)
        collate "und-x-icu")), nfc);
end
$$;

CREATE FUNCTION public.tag_keys(tags text[]) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
declare
    keys text[] := '{}';
    tag text;
begin
    foreach tag in array tags loop
        keys := keys || tag_key(tag);
    end loop;
    return keys;
end
$$;

CREATE FUNCTION public.take_slot(p_rate text[]) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
begin
    for slot in 1..p_rate[5]::integer loop
        if pg_try_advisory_xact_lock(hashtextextended(p_rate[6], slot)) then
            return true;
        end if;
    end loop;
    return false;
end
$$;

CREATE TABLE public.tasks (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    title text NOT NULL,
    description text DEFAULT ''::text NOT NULL,
    status text DEFAULT 'open'::text NOT NULL,
    priority text DEFAULT 'medium'::text NOT NULL,
    tags text[] DEFAULT '{}'::text[] NOT NULL,
    due json,
    due_at timestamp with time zone,
    series_id uuid,
    occurrence text,
    version bigint DEFAULT 1 NOT NULL,
    seq bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    completed_at timestamp with time zone,
    deleted_at timestamp with time zone,
    search tsvector NOT NULL,
    tag_keys text[] DEFAULT '{}'::text[] NOT NULL,
    words text,
    CONSTRAINT tasks_check CHECK (((due_at IS NULL) = (due IS NULL))),
    CONSTRAINT tasks_check1 CHECK (((completed_at IS NOT NULL) = (status = 'completed'::text))),
    CONSTRAINT tasks_priority_check CHECK ((priority = ANY (ARRAY['low'::text, 'medium'::text, 'high'::text, 'urgent'::text]))),
    CONSTRAINT tasks_status_check CHECK ((status = ANY (ARRAY['open'::text, 'in_progress'::text, 'completed'::text, 'cancelled'::text])))
)
WITH (autovacuum_vacuum_scale_factor='0.05');

CREATE FUNCTION public.task_json(task public.tasks) RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$
begin
    return '{"id":"' || task.id::text
        || '","title":' || to_json(task.title)::text
        || ',"description":' || to_json(task.description)::text
        || ',"status":"' || task.status
        || '","priority":"' || task.priority
        || '","tags":' || array_to_json(task.tags)::text
        || ',"due":' || coalesce(task.due::text, 'null')
        || ',"due_at":' || coalesce('"' || rfc3339(task.due_at) || '"', 'null')
        || ',"recurrence":null,"reminders":[],"series_id":' || coalesce('"' || task.series_id::text || '"', 'null')
        || ',"occurrence":' || coalesce(to_json(task.occurrence)::text, 'null')
        || ',"version":' || task.version::text
        || ',"seq":' || task.seq::text
        || ',"created_at":"' || rfc3339(task.created_at)
        || '","updated_at":"' || rfc3339(task.updated_at)
        || '","completed_at":' || coalesce('"' || rfc3339(task.completed_at) || '"', 'null')
        || ',"deleted_at":' || coalesce('"' || rfc3339(task.deleted_at) || '"', 'null') || '}';
end
$$;

CREATE FUNCTION public.task_lexemes(user_id uuid, words text) RETURNS tsvector
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
declare
    owner constant text := right(user_id::text, 4);
    -- The word at the boundary must be whole.
    head constant text := case
        when length(words) > 5000 then left(words, 5000 + strpos(substr(words, 5001), ' ')) else words
    end;
    lexemes text[] := '{}';
    word text;
    last_start integer;
    part text;
begin
    foreach word in array string_to_array(trim(head), ' ') loop
        lexemes := lexemes || ('w' || owner || left(word, 20));
        -- `substr` counts characters from the start of a text, so the endings of a long word are taken from parts of it.
        last_start := least(length(word) - 2, 5000);
        for before in 0 .. last_start - 1 by 100 loop
            part := substr(word, before + 1, 120);
            for start in greatest(1, 2 - before) .. least(100, last_start - before) loop
                lexemes := lexemes || ('i' || owner || substr(part, start, 20));
            end loop;
        end loop;
    end loop;
    if length(words) > length(head) then
        foreach word in array string_to_array(trim(substr(words, length(head) + 1)), ' ') loop
            lexemes := lexemes || ('w' || owner || left(word, 20));
        end loop;
    end if;
    return array_to_tsvector(lexemes);
end
$$;

CREATE FUNCTION public.task_page(p_user uuid, p_status text[], p_priority text[], p_tags text[], p_tags_any text[], p_due_before text, p_due_after text, p_overdue boolean, p_series text, p_updated_after text, p_terms text[], p_sort text, p_descending boolean, p_key text, p_id text, p_limit bigint, OUT items text, OUT next_key text, OUT next_id text, OUT ranked bigint) RETURNS record
    LANGUAGE plpgsql STABLE
    AS $_$
declare
    glance constant bigint := 100;
    longest_walk constant bigint := 10000;
    relevant constant boolean := p_sort = 'relevance';
    -- The key by which tasks are walked. Relevance ranks the newest matches.
    sort_key constant text := case p_sort
        when 'due_at' then format('coalesce(due_at, %L)', case when p_descending then '-infinity' else 'infinity' end)
        when 'priority' then $sql$array_position('{low,medium,high,urgent}', priority)$sql$
        when 'title' then 'title collate title_order'
        when 'relevance' then 'created_at'
        else p_sort
    end;
    key_type constant text := case p_sort when 'priority' then 'integer' when 'title' then 'text' else 'timestamptz' end;
    direction constant text := case when p_descending or relevant then ' desc' else ' asc' end;
    in_order constant text := ' order by sort_key' || direction || ', id' || direction || ' limit ';
    wanted constant bigint := case when relevant then 1000 else p_limit + 1 end;
    filters text;
    rank text;
    lexemes tsquery;
    source text;
    page_start text;
    page_end text;
    matches bigint;
    seen bigint;
    ids uuid[];
    keys text[];
begin
    if p_terms is not null then
        select compiled.condition, compiled.rank, compiled.lexemes into filters, rank, lexemes
            from compile_search(p_user, p_terms) compiled;
    end if;
    -- `||` and `concat_ws` leave out conditions whose parameter is null.
    filters := nullif(concat_ws(' and ',
        filters,
        'status = any (' || quote_literal(p_status) || ')',
        $sql$array_position('{low,medium,high,urgent}', priority) = any ($sql$ || quote_literal((
            select array_agg(array_position('{low,medium,high,urgent}', name)) from unnest(p_priority) name)) || ')',
        -- The index of keys holds only tasks that have tags.
        $sql$tag_keys <> '{}' and tag_keys @> $sql$ || quote_literal(tag_keys(p_tags)),
        $sql$tag_keys <> '{}' and tag_keys && $sql$ || quote_literal(tag_keys(p_tags_any)),
        $sql$coalesce(due_at, 'infinity') < $sql$ || quote_literal(p_due_before),
        $sql$due_at is not null and coalesce(due_at, 'infinity') > $sql$ || quote_literal(p_due_after),
        $sql$(coalesce(due_at, 'infinity') < now() and status in ('open', 'in_progress')) = $sql$ || quote_literal(p_overdue),
        'series_id = ' || quote_literal(p_series),
        'updated_at > ' || quote_literal(p_updated_after)), '');

    source := '(select *, ' || sort_key || ' as sort_key from tasks where deleted_at is null and user_id = ' || quote_literal(p_user)
        || case
            when p_key is null or relevant then ''
            else format(' and (%s, id) %s (%L::%s, %L)', sort_key, case when p_descending then '<' else '>' end, p_key, key_type, p_id)
        end;
    if relevant then
        page_start := 'select array_agg(id), array_agg(key::text), max(matches) from (select id, key, matches from (select id, ('
            || rank || ')' || case when p_descending then '' else ' * -1' end
            || ' as key, count(*) over () as matches from (select id, words from ';
        page_end := ') newest) ranked'
            || case when p_key is null then '' else format(' where (key, id) < (%L::float8, %L)', p_key, p_id) end
            || ' order by key desc, id desc limit ' || p_limit + 1 || ') page';
    else
        page_start := 'select array_agg(id), array_agg(sort_key::text) from (select id, sort_key from ';
        page_end := ') page';
    end if;

    if filters is null then
        execute page_start || source || in_order || wanted || ') tasks' || page_end into ids, keys;
    else
        execute 'select count(*) filter (where ' || filters || '), count(*) from ' || source || in_order || glance || ') tasks'
            into matches, seen;
        -- If there are no more tasks, collecting them is as fast as walking.
        if seen = glance and matches * longest_walk >= wanted * glance * 2 then
            -- The planner expects to read all tasks of a small account, and would sort them. The matches are in the order of the walk.
            perform set_config('enable_sort', 'off', true);
            execute page_start || source || in_order || longest_walk || ') tasks where ' || filters || ' limit ' || wanted || page_end
                into ids, keys, ranked;
            perform set_config('enable_sort', 'on', true);
        end if;
        if coalesce(ranked, cardinality(ids), 0) < wanted then
            -- Offset 0 keeps the planner from walking in the order of the page.
            execute page_start || source || ' and ' || filters || coalesce(' and search @@ ' || quote_literal(lexemes), '')
                || ' offset 0) tasks' || in_order || wanted || page_end
                into ids, keys, ranked;
        end if;
    end if;
    if relevant then
        ranked := coalesce(ranked, 0);
    end if;

    select '[' || coalesce(string_agg(task_json(task), ',' order by place), '') || ']' into items
        from unnest(ids) with ordinality as page (id, place) join tasks task using (id)
        where place <= p_limit;
    if cardinality(ids) > p_limit then
        next_key := keys[p_limit];
        next_id := ids[p_limit];
    end if;
end
$_$;

CREATE FUNCTION public.task_words(title text, description text, tags text[]) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
declare
    -- The characters that have a meaning in `words`.
    reserved constant text := E'\x01\x02\x03\x1c\x1d\x1e';
begin
    return translate(
        words(
            translate(title, reserved, '      ') || E' \x1c '
            || case when tags = '{}' then '' else replace(
                translate(array_to_string(tags, E'\x1f'), reserved, '      '), E'\x1f', E' \x1d ') end
            || E' \x1e ' || translate(description, reserved, '      ')),
        E'\x1c\x1d\x1e', '|,/');
end
$$;

CREATE FUNCTION public.task_words(user_id uuid, title text, description text, tags text[]) RETURNS tsvector
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
declare
    owner constant text := words_of(user_id);
    titled constant tsvector := to_tsvector('simple', words(title, owner));
    described tsvector := '';
    tagged tsvector := '';
    start tsvector;
begin
    if description <> '' then
        described := to_tsvector('simple', words(description, owner));
    end if;
    if tags <> '{}' then
        tagged := to_tsvector('simple', words(array_to_string(tags, ' '), owner));
    end if;
    start := described;
    if length(description) > 2000 then
        start := to_tsvector('simple', words(left(description, 2000), owner));
    end if;
    return setweight(titled, 'A') || setweight(described, 'B') || setweight(tagged, 'C') || infixes(titled || start || tagged);
end
$$;

CREATE FUNCTION public.term_rank(words text, term text) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    select case
        when strpos(words, ' ' || term || ' ') > 0 then case
            when strpos(words, ' ' || term || ' ') < strpos(words, '|') then 16
            when strpos(substr(words, strpos(words, '/')), ' ' || term || ' ') > 0 then 8
            else 4
        end
        when strpos(words, ' ' || term) > 0 then case when strpos(words, ' ' || term) < strpos(words, '|') then 6 else 3 end
        when strpos(words, term) > 0 then case when strpos(words, term) < strpos(words, '|') then 2 else 1 end
        else 0
    end
$$;

CREATE PROCEDURE public.update_account(IN p_user text, IN p_admin text, IN p_name text, IN p_timezone text, IN p_role text, IN p_context text, IN p_actor text, IN p_rate text[], OUT outcome text, OUT version bigint, OUT id text, OUT body text, OUT replayed boolean, OUT rate text)
    LANGUAGE plpgsql
    AS $$
declare
    owner constant uuid := p_user;
    admin constant uuid := p_admin;
    admitted boolean;
    old users;
    account users;
    moment timestamptz;
    dated bigint;
    job jobs;
    previous text := '';
begin
    -- It must not lock the row: the lock of the roles comes before it.
    call admit_write(owner, p_rate, null, null, false, outcome, version, id, body, replayed, rate);
    if outcome is not null then
        return;
    end if;
    if p_timezone <> (select timezone from users where users.id = owner) then
        -- The charge comes before the work, because work that takes too long fails.
        dated := count(*) from tasks
            where user_id = owner and deleted_at is null and due_at is not null and due ->> 'date' is not null;
        call admit_rows(p_rate, dated, rate, admitted);
        if not admitted then
            outcome := 'limited';
            return;
        end if;
    end if;
    if p_role is not null then
        -- Serialises changes of roles. If two admins demote each other at once, the second one is not an admin any more
        -- and is refused.
        perform pg_advisory_xact_lock(hashtext('spindle'), hashtext('roles'));
    end if;
    if admin is not null and not exists (select from users where users.id = admin and role = 'admin') then
        outcome := 'forbidden';
        return;
    end if;
    select * into old from users where users.id = owner for no key update;
    if not found then
        outcome := case when admin is null then 'gone' else 'missing' end;
        return;
    end if;
    if old.role = 'admin' and p_role <> 'admin' and not exists (
        select from users where users.role = 'admin' and users.id <> owner) then
        outcome := 'last_admin';
        return;
    end if;

    account := old;
    account.name := coalesce(p_name, old.name);
    account.timezone := coalesce(p_timezone, old.timezone);
    account.role := coalesce(p_role, old.role);
    if account.name <> old.name then
        previous := previous || ',"name":' || to_json(old.name)::text;
    end if;
    if account.timezone <> old.timezone then
        previous := previous || ',"timezone":' || to_json(old.timezone)::text;
        if not is_timezone(account.timezone) then
            outcome := 'unknown_timezone';
            return;
        end if;
    end if;
    if account.role <> old.role then
        previous := previous || ',"role":"' || old.role || '"';
    end if;
    if previous = '' then
        outcome := 'unchanged';
        body := user_json(account);
        return;
    end if;

    moment := clock_timestamp();
    account.updated_at := moment;
    update users set name = account.name, timezone = account.timezone, role = account.role, updated_at = moment
        where users.id = owner;
    if account.timezone <> old.timezone then
        job := begin_job(owner, 'move_days', dated, json_build_object('context', p_context, 'actor', p_actor)::jsonb);
        select sync_seq into account.sync_seq from users where users.id = owner;
    end if;
    if account.role <> old.role then
        -- A session gets a new role only when it is refreshed. A revoked role must not last until then, so all sessions
        -- end.
        update refresh_tokens set revoked_at = moment where user_id = owner and revoked_at is null;
    end if;
    outcome := case when job.id is null or job.ended then 'changed' else 'started' end;
    id := case when outcome = 'started' then job.id end;
    body := user_json(account);
    perform emit_account_event_by(account,
        case when account.role <> old.role then 'user.role-changed' else 'user.updated' end,
        p_context, '{"previous":{' || substr(previous, 2) || '}}', p_actor);
end
$$;

CREATE PROCEDURE public.update_task(IN p_user text, IN p_id text, IN p_match text, IN p_title text, IN p_description text, IN p_status text, IN p_priority text, IN p_tags text[], IN p_set_due boolean, IN p_due text, IN p_due_instant text, IN p_reopen boolean, IN p_context text, IN p_actor text, IN p_key text, IN p_fingerprint text, IN p_rate text[], OUT outcome text, OUT version bigint, OUT id text, OUT body text, OUT replayed boolean, OUT rate text)
    LANGUAGE plpgsql
    AS $$
declare
    owner constant uuid := p_user;
    accepted constant bigint[] := p_match;
    old tasks;
    task tasks;
    previous text := '';
    kind text := 'task.updated';
begin
    call admit_write(owner, p_rate, p_key, p_fingerprint, true, outcome, version, id, body, replayed, rate);
    if outcome is not null then
        return;
    end if;
    select * into old from tasks where tasks.id = p_id::uuid and user_id = owner and deleted_at is null;
    if not found then
        outcome := 'missing';
        perform keep_answer(owner, p_key, p_fingerprint, row(outcome, version, id, body, null, null)::write_result);
        return;
    end if;
    if old.version <> all (accepted) then
        outcome := 'stale';
        version := old.version;
        perform keep_answer(owner, p_key, p_fingerprint, row(outcome, version, id, body, null, null)::write_result);
        return;
    end if;

    task := old;
    task.title := coalesce(p_title, old.title);
    task.description := coalesce(p_description, old.description);
    task.priority := coalesce(p_priority, old.priority);
    if p_tags is not null then
        -- A tag that the task has already keeps its spelling.
        task.tags := array(
            select coalesce(old.tags[array_position(old.tag_keys, tag_key(p.tag))], p.tag)
            from unnest(p_tags) with ordinality as p (tag, place)
            order by p.place);
    end if;
    if p_status is not null and (not p_reopen or old.status in ('completed', 'cancelled')) then
        task.status := p_status;
    end if;
    -- The instant of an equal due date can differ, if the rules of its timezone have changed.
    if p_set_due then
        task.due := p_due;
        task.due_at := due_at(task.due, p_due_instant::timestamptz, (select timezone from users where users.id = owner));
    end if;

    if task.title <> old.title then
        previous := previous || ',"title":' || to_json(old.title)::text;
    end if;
    if task.description <> old.description then
        previous := previous || ',"description":' || to_json(old.description)::text;
    end if;
    if task.status <> old.status then
        previous := previous || ',"status":"' || old.status || '"';
    end if;
    if task.priority <> old.priority then
        previous := previous || ',"priority":"' || old.priority || '"';
    end if;
    if task.tags <> old.tags then
        previous := previous || ',"tags":' || array_to_json(old.tags)::text;
    end if;
    if task.due::text is distinct from old.due::text then
        previous := previous || ',"due":' || coalesce(old.due::text, 'null');
    end if;
    if task.due_at is distinct from old.due_at then
        previous := previous || ',"due_at":' || coalesce('"' || rfc3339(old.due_at) || '"', 'null');
    end if;

    if previous = '' then
        outcome := 'unchanged';
    else
        outcome := 'changed';
        task.updated_at := clock_timestamp();
        task.version := old.version + 1;
        if task.status = 'completed' and old.status <> 'completed' then
            kind := 'task.completed';
            task.completed_at := task.updated_at;
            previous := previous || ',"completed_at":null';
        elsif task.status in ('open', 'in_progress') and old.status in ('completed', 'cancelled') then
            kind := 'task.reopened';
        end if;
        if task.status <> 'completed' and old.status = 'completed' then
            previous := previous || ',"completed_at":"' || rfc3339(old.completed_at) || '"';
            task.completed_at := null;
        end if;
        update users set sync_seq = sync_seq + 1 where users.id = owner returning sync_seq into task.seq;
        update tasks set
            title = task.title, description = task.description, status = task.status, priority = task.priority,
            tags = task.tags, due = task.due, due_at = task.due_at, version = task.version, seq = task.seq,
            updated_at = task.updated_at, completed_at = task.completed_at
            where tasks.id = task.id;
    end if;

    version := task.version;
    body := task_json(task);
    if outcome = 'changed' then
        perform emit_task_events(
            owner, task.id, kind, task.seq, task.updated_at, p_context, p_actor, body, '{' || substr(previous, 2) || '}');
    end if;
    perform keep_answer(owner, p_key, p_fingerprint, row(outcome, version, id, body, null, null)::write_result);
end
$$;

CREATE FUNCTION public.user_json(account public.users) RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$
begin
    return '{"id":"' || account.id::text
        || '","email":' || to_json(account.email)::text
        || ',"name":' || to_json(account.name)::text
        || ',"role":"' || account.role
        || '","timezone":' || to_json(account.timezone)::text
        || ',"created_at":"' || rfc3339(account.created_at)
        || '","updated_at":"' || rfc3339(account.updated_at) || '"}';
end
$$;

CREATE FUNCTION public.uuid_v7() RETURNS uuid
    LANGUAGE sql PARALLEL SAFE
    RETURN (encode(set_bit(set_bit(OVERLAY(uuid_send(gen_random_uuid()) PLACING SUBSTRING(int8send(((EXTRACT(epoch FROM clock_timestamp()) * (1000)::numeric))::bigint) FROM 3) FROM 1 FOR 6), (52)::bigint, 1), (53)::bigint, 1), 'hex'::text))::uuid;

CREATE PROCEDURE public.verify_trail(IN p_user text, IN p_from bigint, IN p_limit bigint, IN p_rate text[], OUT verdict text, OUT rate text)
    LANGUAGE plpgsql
    AS $$
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
            select c.*, greatest(coalesce(p_from, 1), c.dropped_no + 1) as first_no,
                -- The last part ends with whatever comes after the head.
                case when greatest(coalesce(p_from, 1), c.dropped_no + 1) + p_limit > c.no then 9223372036854775807
                    else greatest(coalesce(p_from, 1), c.dropped_no + 1) + p_limit end as end_no
            from (
                select coalesce(c.no, 0) as no, coalesce(c.hash, decode(repeat('00', 32), 'hex')) as hash,
                    coalesce(c.dropped_no, 0) as dropped_no,
                    coalesce(c.dropped_hash, decode(repeat('00', 32), 'hex')) as dropped_hash
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

CREATE FUNCTION public.words(given text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
declare
    folded text := fold(given);
begin
    if octet_length(folded) > length(folded) then
        folded := regexp_replace(folded,
            '([\u00a2-\u00a6\u00a9\u00ac\u00ae\u00b0\u00b1\u00d7\u00f7\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u20a0-\u20cf\u2100-\u214f'
            '\u2190-\u2bff\u2e80-\u2fff\u3005-\u3007\u3040-\u30ff\u3190-\u9fff\uac00-\ud7af\uf900-\ufaff'
            '\U0001f000-\U0001fbff\U00020000-\U0003ffff])',
            ' \1 ', 'g');
    end if;
    -- U+0001 to U+0003 stand for punctuation that belongs to a word.
    if strpos(folded, '+') > 0 then
        folded := regexp_replace(folded, '([a-z0-9])\+\+', E'\\1\x02\x02', 'g');
        folded := regexp_replace(folded, '([a-z0-9])\+(?![a-z0-9+])', E'\\1\x02', 'g');
    end if;
    if strpos(folded, '#') > 0 then
        folded := regexp_replace(folded, '([a-z0-9])#(?![a-z0-9#])', E'\\1\x03', 'g');
    end if;
    if folded ~ '(^|[ \t\n\r"''(,/:;<=[{|\x1c-\x1e])\.[a-z]' then
        folded := regexp_replace(folded, '(^|[ \t\n\r"''(,/:;<=[{|\x1c-\x1e])\.(?=[a-z])', E'\\1\x01', 'g');
    end if;
    if octet_length(folded) = length(folded) then
        folded := regexp_replace(folded, '[^a-z0-9\x01-\x03\x1c-\x1e]+', ' ', 'g');
    else
        -- Spaces, control characters and punctuation of all scripts.
        folded := regexp_replace(folded,
            '[\x04-\x1b\x1f-/:-@[-`{-\u00a1\u00a7\u00a8\u00ab\u00af\u00b4\u00b6-\u00b8\u00bb\u00bf\u02b9-\u02df\u02e5-\u02ff\u0375\u0384'
            '\u0385\u055a-\u055f\u0589\u058a\u05be\u05c0\u05c3\u05c6\u05f3\u05f4\u0600-\u0605\u0609\u060a\u060c\u060d\u061b\u061d-\u061f'
            '\u066a-\u066d\u06d4\u06dd\u0700-\u070d\u0964\u0965\u0970\u0df4\u0e4f\u0e5a\u0e5b\u0f04-\u0f14\u0f3a-\u0f3d\u104a-\u104f'
            '\u10fb\u1360-\u1368\u1400\u1680\u16eb-\u16ed\u17d4-\u17da\u1800-\u180a\u2000-\u206f\u2800\u2e00-\u2e7f\u3000-\u3004'
            '\u3008-\u3020\u3030\u3036\u3037\u303d-\u303f\u30a0\u30fb\ua4fe\ua4ff\ud800-\uf8ff\ufd3e\ufd3f\ufe10-\ufe6f\ufff0-\uffff'
            '\U000f0000-\U0010ffff]+',
            ' ', 'g');
    end if;
    folded := trim(translate(folded, E'\x01\x02\x03', '.+#'));
    return case when folded = '' then ' ' else ' ' || folded || ' ' end;
end
$$;

CREATE FUNCTION public.words(given text, owner text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
declare
    folded text;
begin
    if octet_length(given) = length(given) then
        folded := lower(given);
    else
        folded := regexp_replace(fold(given),
            '([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff'
            '\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff])',
            ' \1 ', 'g');
    end if;
    folded := trim(regexp_replace(folded, '[^[:alnum:]]+', ' ', 'g'));
    return case when folded = '' then '' else owner || replace(folded, ' ', ' ' || owner) end;
end
$$;

CREATE FUNCTION public.words_of(user_id uuid) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
begin
    return 'w' || right(user_id::text, 4);
end
$$;

CREATE AGGREGATE public.audit_chain(head bytea, entry text) (
    SFUNC = public.audit_link,
    STYPE = bytea
);

CREATE TABLE public.audit_chains (
    user_id uuid NOT NULL,
    no bigint DEFAULT 0 NOT NULL,
    hash bytea DEFAULT decode(repeat('00'::text, 32), 'hex'::text) NOT NULL,
    dropped_no bigint DEFAULT 0 NOT NULL,
    dropped_hash bytea DEFAULT decode(repeat('00'::text, 32), 'hex'::text) NOT NULL
)
WITH (fillfactor='50', autovacuum_vacuum_scale_factor='0.01', autovacuum_vacuum_cost_delay='0');

CREATE TABLE public.audit_logs_default (
    event_id uuid NOT NULL,
    "time" timestamp with time zone NOT NULL,
    user_id uuid NOT NULL,
    no bigint NOT NULL,
    task_id uuid,
    type text NOT NULL,
    actor_type text,
    actor_id text,
    correlation_id text,
    seq bigint,
    prev_hash bytea NOT NULL,
    hash bytea NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    event text NOT NULL,
    CONSTRAINT audit_logs_actor_id_check CHECK (((strpos(actor_id, '
'::text) = 0) AND (actor_id <> ''::text))),
    CONSTRAINT audit_logs_actor_type_check CHECK (((strpos(actor_type, '
'::text) = 0) AND (actor_type <> ''::text))),
    CONSTRAINT audit_logs_correlation_id_check CHECK (((strpos(correlation_id, '
'::text) = 0) AND (correlation_id <> ''::text))),
    CONSTRAINT audit_logs_hash_check CHECK ((octet_length(hash) = 32)),
    CONSTRAINT audit_logs_no_check CHECK ((no > 0)),
    CONSTRAINT audit_logs_prev_hash_check CHECK ((octet_length(prev_hash) = 32)),
    CONSTRAINT audit_logs_type_check CHECK (((strpos(type, '
'::text) = 0) AND (type <> ''::text)))
);

CREATE TABLE public.audit_verified (
    user_id uuid NOT NULL,
    no bigint NOT NULL,
    verified_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

CREATE UNLOGGED TABLE public.bridges (
    bridge uuid NOT NULL,
    class text NOT NULL,
    seen_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
)
WITH (fillfactor='10');

CREATE TABLE public.dead_letters_handled (
    topic text NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    event_id text NOT NULL,
    group_name text NOT NULL,
    action text NOT NULL,
    actor text NOT NULL,
    handled_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT dead_letters_handled_action_check CHECK ((action = ANY (ARRAY['replayed'::text, 'discarded'::text])))
);

CREATE UNLOGGED TABLE public.hashes_running (
    slot uuid NOT NULL,
    instance text NOT NULL,
    until timestamp with time zone NOT NULL
)
WITH (fillfactor='50');

CREATE TABLE public.idempotency_keys (
    user_id uuid NOT NULL,
    key text NOT NULL,
    fingerprint text NOT NULL,
    status integer,
    version bigint,
    location text,
    body text,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    outcome text NOT NULL,
    id text
);

CREATE TABLE public.log_heads (
    topic text NOT NULL,
    partition integer NOT NULL,
    head bigint DEFAULT 0 NOT NULL
)
WITH (fillfactor='10');

CREATE TABLE public.log_offsets (
    group_name text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    "offset" bigint DEFAULT 0 NOT NULL,
    settled_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
)
WITH (fillfactor='10');

CREATE TABLE public.log_records (
    topic text NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    user_id uuid NOT NULL,
    event_id uuid NOT NULL,
    event text NOT NULL,
    headers text,
    appended_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0.05', autovacuum_vacuum_cost_delay='0');

CREATE TABLE public.log_topics (
    topic text NOT NULL,
    partitions integer NOT NULL,
    retention interval NOT NULL,
    CONSTRAINT log_topics_partitions_check CHECK (((partitions >= 1) AND (partitions <= 12)))
);

CREATE TABLE public.outbox (
    id bigint NOT NULL,
    topic text NOT NULL,
    user_id uuid NOT NULL,
    event_id uuid NOT NULL,
    event text NOT NULL,
    queued_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='5000', autovacuum_vacuum_cost_delay='0');

ALTER TABLE public.outbox ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.outbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.outbox_quarantine (
    id bigint NOT NULL,
    topic text NOT NULL,
    user_id uuid NOT NULL,
    event_id uuid NOT NULL,
    event text NOT NULL,
    queued_at timestamp with time zone NOT NULL,
    quarantined_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    reason text NOT NULL
);

CREATE UNLOGGED TABLE public.rate_limits (
    key text NOT NULL,
    full_at double precision NOT NULL
)
WITH (fillfactor='50', autovacuum_vacuum_scale_factor='0.2', autovacuum_vacuum_cost_delay='0');

CREATE TABLE public.refinery_schema_history (
    version integer NOT NULL,
    name character varying(255),
    applied_on character varying(255),
    checksum character varying(255)
);

CREATE TABLE public.refresh_tokens (
    hash bytea NOT NULL,
    user_id uuid NOT NULL,
    family uuid NOT NULL,
    issued_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    replaced_at timestamp with time zone,
    revoked_at timestamp with time zone
);

ALTER TABLE ONLY public.audit_logs ATTACH PARTITION public.audit_logs_default DEFAULT;

ALTER TABLE ONLY public.audit_chains
    ADD CONSTRAINT audit_chains_pkey PRIMARY KEY (user_id);

ALTER TABLE ONLY public.audit_logs
    ADD CONSTRAINT audit_logs_pkey PRIMARY KEY (event_id, "time");

ALTER TABLE ONLY public.audit_logs_default
    ADD CONSTRAINT audit_logs_default_pkey PRIMARY KEY (event_id, "time");

ALTER TABLE ONLY public.audit_verified
    ADD CONSTRAINT audit_verified_pkey PRIMARY KEY (user_id);

ALTER TABLE ONLY public.bridges
    ADD CONSTRAINT bridges_pkey PRIMARY KEY (bridge, class);

ALTER TABLE ONLY public.dead_letters_handled
    ADD CONSTRAINT dead_letters_handled_pkey PRIMARY KEY (topic, partition, "offset", event_id);

ALTER TABLE ONLY public.hashes_running
    ADD CONSTRAINT hashes_running_pkey PRIMARY KEY (slot);

ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (user_id, key);

ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT jobs_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.log_heads
    ADD CONSTRAINT log_heads_pkey PRIMARY KEY (topic, partition);

ALTER TABLE ONLY public.log_offsets
    ADD CONSTRAINT log_offsets_pkey PRIMARY KEY (group_name, topic, partition);

ALTER TABLE ONLY public.log_records
    ADD CONSTRAINT log_records_pkey PRIMARY KEY (topic, partition, "offset");

ALTER TABLE ONLY public.log_topics
    ADD CONSTRAINT log_topics_pkey PRIMARY KEY (topic);

ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.outbox_quarantine
    ADD CONSTRAINT outbox_quarantine_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.rate_limits
    ADD CONSTRAINT rate_limits_pkey PRIMARY KEY (key);

ALTER TABLE ONLY public.refinery_schema_history
    ADD CONSTRAINT refinery_schema_history_pkey PRIMARY KEY (version);

ALTER TABLE ONLY public.refresh_tokens
    ADD CONSTRAINT refresh_tokens_pkey PRIMARY KEY (hash);

ALTER TABLE ONLY public.tasks
    ADD CONSTRAINT tasks_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);

CREATE INDEX audit_logs_actor ON ONLY public.audit_logs USING btree (user_id, actor_id, no) WHERE (actor_id <> (user_id)::text);

CREATE INDEX audit_logs_actors ON ONLY public.audit_logs USING btree (actor_id, "time", event_id);

CREATE UNIQUE INDEX audit_logs_chain ON ONLY public.audit_logs USING btree (user_id, no, "time");

CREATE INDEX audit_logs_correlation ON ONLY public.audit_logs USING btree (correlation_id) WHERE (correlation_id IS NOT NULL);

CREATE INDEX audit_logs_default_actor ON public.audit_logs_default USING btree (user_id, actor_id, no) WHERE (actor_id <> (user_id)::text);

CREATE INDEX audit_logs_default_actors ON public.audit_logs_default USING btree (actor_id, "time", event_id);

CREATE INDEX audit_logs_default_correlation_id_idx ON public.audit_logs_default USING btree (correlation_id) WHERE (correlation_id IS NOT NULL);

CREATE INDEX audit_logs_kind ON ONLY public.audit_logs USING btree (user_id, actor_type, no) WHERE (actor_type <> 'user'::text);

CREATE INDEX audit_logs_default_kind ON public.audit_logs_default USING btree (user_id, actor_type, no) WHERE (actor_type <> 'user'::text);

CREATE INDEX audit_logs_kinds ON ONLY public.audit_logs USING btree (actor_type, "time", event_id) WHERE (actor_type <> 'user'::text);

CREATE INDEX audit_logs_default_kinds ON public.audit_logs_default USING btree (actor_type, "time", event_id) WHERE (actor_type <> 'user'::text);

CREATE INDEX audit_logs_task ON ONLY public.audit_logs USING btree (task_id, "time") WHERE (task_id IS NOT NULL);

CREATE INDEX audit_logs_default_task_id_time_idx ON public.audit_logs_default USING btree (task_id, "time") WHERE (task_id IS NOT NULL);

CREATE INDEX audit_logs_time ON ONLY public.audit_logs USING btree ("time", event_id);

CREATE INDEX audit_logs_default_time_event_id_idx ON public.audit_logs_default USING btree ("time", event_id);

CREATE INDEX audit_logs_type ON ONLY public.audit_logs USING btree (user_id, type, no);

CREATE INDEX audit_logs_default_type ON public.audit_logs_default USING btree (user_id, type, no);

CREATE INDEX audit_logs_types ON ONLY public.audit_logs USING btree (type, "time", event_id);

CREATE INDEX audit_logs_default_types ON public.audit_logs_default USING btree (type, "time", event_id);

CREATE UNIQUE INDEX audit_logs_default_user_id_no_time_idx ON public.audit_logs_default USING btree (user_id, no, "time");

CREATE INDEX hashes_running_instance ON public.hashes_running USING btree (instance);

CREATE INDEX idempotency_keys_age ON public.idempotency_keys USING btree (created_at);

CREATE INDEX jobs_ended ON public.jobs USING btree (updated_at) WHERE ended;

CREATE INDEX jobs_next ON public.jobs USING btree (next_at) WHERE (NOT ended);

CREATE INDEX jobs_of_user ON public.jobs USING btree (user_id, created_at);

CREATE INDEX refresh_tokens_expiry ON public.refresh_tokens USING btree (expires_at);

CREATE INDEX refresh_tokens_family ON public.refresh_tokens USING btree (family);

CREATE INDEX refresh_tokens_user ON public.refresh_tokens USING btree (user_id);

CREATE INDEX tasks_created ON public.tasks USING btree (user_id, created_at, id) WHERE (deleted_at IS NULL);

CREATE INDEX tasks_deleted ON public.tasks USING btree (user_id, deleted_at, id) WHERE (deleted_at IS NOT NULL);

CREATE INDEX tasks_due ON public.tasks USING btree (user_id, COALESCE(due_at, 'infinity'::timestamp with time zone), id) WHERE (deleted_at IS NULL);

CREATE INDEX tasks_due_last ON public.tasks USING btree (user_id, COALESCE(due_at, '-infinity'::timestamp with time zone), id) WHERE (deleted_at IS NULL);

CREATE INDEX tasks_open ON public.tasks USING btree (user_id, created_at, id) WHERE ((deleted_at IS NULL) AND (status = ANY (ARRAY['open'::text, 'in_progress'::text])));

CREATE INDEX tasks_priority ON public.tasks USING btree (user_id, array_position('{low,medium,high,urgent}'::text[], priority), id) WHERE (deleted_at IS NULL);

CREATE INDEX tasks_series ON public.tasks USING btree (user_id, series_id, created_at, id) WHERE ((deleted_at IS NULL) AND (series_id IS NOT NULL));

CREATE INDEX tasks_status ON public.tasks USING btree (user_id, status) WHERE (deleted_at IS NULL);

CREATE INDEX tasks_tags ON public.tasks USING gin (user_id, tag_keys) WITH (gin_pending_list_limit='256') WHERE ((deleted_at IS NULL) AND (tag_keys <> '{}'::text[]));

CREATE INDEX tasks_title ON public.tasks USING btree (user_id, title, id) WHERE (deleted_at IS NULL);

CREATE INDEX tasks_title_order ON public.tasks USING btree (user_id, title COLLATE public.title_order, id) WHERE (deleted_at IS NULL);

CREATE INDEX tasks_tombstones ON public.tasks USING btree (deleted_at) WHERE (deleted_at IS NOT NULL);

CREATE INDEX tasks_updated ON public.tasks USING btree (user_id, updated_at, id) WHERE (deleted_at IS NULL);

CREATE INDEX tasks_words ON public.tasks USING gin (user_id, tags, search) WITH (gin_pending_list_limit='256') WHERE (deleted_at IS NULL);

CREATE UNIQUE INDEX users_email ON public.users USING btree (lower(email));

CREATE INDEX users_role ON public.users USING btree (role, id) WHERE (role <> 'user'::text);

ALTER INDEX public.audit_logs_actor ATTACH PARTITION public.audit_logs_default_actor;

ALTER INDEX public.audit_logs_actors ATTACH PARTITION public.audit_logs_default_actors;

ALTER INDEX public.audit_logs_correlation ATTACH PARTITION public.audit_logs_default_correlation_id_idx;

ALTER INDEX public.audit_logs_kind ATTACH PARTITION public.audit_logs_default_kind;

ALTER INDEX public.audit_logs_kinds ATTACH PARTITION public.audit_logs_default_kinds;

ALTER INDEX public.audit_logs_pkey ATTACH PARTITION public.audit_logs_default_pkey;

ALTER INDEX public.audit_logs_task ATTACH PARTITION public.audit_logs_default_task_id_time_idx;

ALTER INDEX public.audit_logs_time ATTACH PARTITION public.audit_logs_default_time_event_id_idx;

ALTER INDEX public.audit_logs_type ATTACH PARTITION public.audit_logs_default_type;

ALTER INDEX public.audit_logs_types ATTACH PARTITION public.audit_logs_default_types;

ALTER INDEX public.audit_logs_chain ATTACH PARTITION public.audit_logs_default_user_id_no_time_idx;

CREATE STATISTICS public.tasks_due_spread ON COALESCE(due_at, 'infinity'::timestamp with time zone) FROM public.tasks;

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit_logs FOR EACH STATEMENT EXECUTE FUNCTION public.audit_refuse();

ALTER TABLE public.audit_logs ENABLE ALWAYS TRIGGER append_only;

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit_logs_default FOR EACH STATEMENT EXECUTE FUNCTION public.audit_refuse();

ALTER TABLE public.audit_logs_default ENABLE ALWAYS TRIGGER append_only;

CREATE TRIGGER tag_keys_of_changed BEFORE UPDATE OF tags ON public.tasks FOR EACH ROW WHEN ((old.tags IS DISTINCT FROM new.tags)) EXECUTE FUNCTION public.set_tag_keys();

CREATE TRIGGER tag_keys_of_new BEFORE INSERT ON public.tasks FOR EACH ROW WHEN ((new.tags <> '{}'::text[])) EXECUTE FUNCTION public.set_tag_keys();

CREATE TRIGGER words_of_changed BEFORE UPDATE OF title, description, tags ON public.tasks FOR EACH ROW WHEN ((((old.title IS DISTINCT FROM new.title) OR (old.description IS DISTINCT FROM new.description)) OR (old.tags IS DISTINCT FROM new.tags))) EXECUTE FUNCTION public.set_task_words();

CREATE TRIGGER words_of_new BEFORE INSERT ON public.tasks FOR EACH ROW EXECUTE FUNCTION public.set_task_words();

ALTER TABLE ONLY public.log_heads
    ADD CONSTRAINT log_heads_topic_fkey FOREIGN KEY (topic) REFERENCES public.log_topics(topic);

ALTER TABLE ONLY public.log_offsets
    ADD CONSTRAINT log_offsets_topic_fkey FOREIGN KEY (topic) REFERENCES public.log_topics(topic);

ALTER TABLE ONLY public.refresh_tokens
    ADD CONSTRAINT refresh_tokens_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

GRANT USAGE ON SCHEMA public TO spindle_api;
GRANT USAGE ON SCHEMA public TO spindle_agent;
GRANT USAGE ON SCHEMA public TO spindle_bridge;
GRANT USAGE ON SCHEMA public TO spindle_readonly;

REVOKE ALL ON FUNCTION public.audit_append(events text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.audit_append(events text) TO spindle_agent;

REVOKE ALL ON FUNCTION public.audit_append_frame(events text, OUT results text, OUT code text, OUT reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.audit_append_frame(events text, OUT results text, OUT code text, OUT reason text) TO spindle_agent;

REVOKE ALL ON FUNCTION public.audit_guard(target regclass) FROM PUBLIC;

GRANT SELECT ON TABLE public.audit_logs TO spindle_api;
GRANT SELECT ON TABLE public.audit_logs TO spindle_readonly;

REVOKE ALL ON FUNCTION public.audit_maintain(retention interval) FROM PUBLIC;
GRANT ALL ON FUNCTION public.audit_maintain(retention interval) TO spindle_bridge;

REVOKE ALL ON FUNCTION public.audit_maintain_at(moment timestamp with time zone, retention interval) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.audit_read(events json, refused integer[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.audit_refusal(event text) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.audit_time(value text) FROM PUBLIC;

GRANT SELECT,INSERT ON TABLE public.jobs TO spindle_api;
GRANT SELECT ON TABLE public.jobs TO spindle_bridge;
GRANT SELECT ON TABLE public.jobs TO spindle_readonly;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.users TO spindle_api;
GRANT SELECT ON TABLE public.users TO spindle_readonly;

GRANT SELECT(id) ON TABLE public.users TO spindle_bridge;

GRANT SELECT(sync_seq) ON TABLE public.users TO spindle_bridge;

REVOKE ALL ON FUNCTION public.log_drain_batch(shards smallint[], topics text[], first_id bigint, most integer, most_bytes bigint, OUT moved integer, OUT last_id bigint, OUT cut_off boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION public.log_drain_batch(shards smallint[], topics text[], first_id bigint, most integer, most_bytes bigint, OUT moved integer, OUT last_id bigint, OUT cut_off boolean) TO spindle_bridge;

REVOKE ALL ON FUNCTION public.run_job(p_most bigint, OUT job_id uuid, OUT kind text, OUT ended boolean, OUT error text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.run_job(p_most bigint, OUT job_id uuid, OUT kind text, OUT ended boolean, OUT error text) TO spindle_bridge;

REVOKE ALL ON FUNCTION public.sweep_expired(p_table text, most bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION public.sweep_expired(p_table text, most bigint) TO spindle_bridge;

GRANT SELECT,INSERT,UPDATE ON TABLE public.tasks TO spindle_api;
GRANT SELECT ON TABLE public.tasks TO spindle_agent;
GRANT SELECT ON TABLE public.tasks TO spindle_readonly;

GRANT SELECT ON TABLE public.audit_chains TO spindle_api;
GRANT SELECT ON TABLE public.audit_chains TO spindle_readonly;

GRANT SELECT,INSERT,UPDATE ON TABLE public.audit_verified TO spindle_api;
GRANT SELECT ON TABLE public.audit_verified TO spindle_readonly;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.bridges TO spindle_bridge;
GRANT SELECT ON TABLE public.bridges TO spindle_readonly;

GRANT SELECT,INSERT,DELETE ON TABLE public.dead_letters_handled TO spindle_bridge;
GRANT SELECT ON TABLE public.dead_letters_handled TO spindle_readonly;

GRANT SELECT,INSERT,DELETE ON TABLE public.hashes_running TO spindle_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.idempotency_keys TO spindle_api;

GRANT SELECT,INSERT,UPDATE ON TABLE public.log_heads TO spindle_bridge;
GRANT SELECT ON TABLE public.log_heads TO spindle_readonly;

GRANT SELECT,INSERT,UPDATE ON TABLE public.log_offsets TO spindle_bridge;
GRANT SELECT ON TABLE public.log_offsets TO spindle_readonly;

GRANT SELECT,INSERT,DELETE ON TABLE public.log_records TO spindle_bridge;
GRANT SELECT ON TABLE public.log_records TO spindle_readonly;

GRANT SELECT,INSERT,UPDATE ON TABLE public.log_topics TO spindle_bridge;
GRANT SELECT ON TABLE public.log_topics TO spindle_readonly;

GRANT INSERT ON TABLE public.outbox TO spindle_api;
GRANT INSERT ON TABLE public.outbox TO spindle_agent;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.outbox TO spindle_bridge;

GRANT SELECT,INSERT,DELETE ON TABLE public.outbox_quarantine TO spindle_bridge;
GRANT SELECT ON TABLE public.outbox_quarantine TO spindle_readonly;

GRANT SELECT,INSERT,UPDATE ON TABLE public.rate_limits TO spindle_api;
GRANT SELECT,DELETE ON TABLE public.rate_limits TO spindle_bridge;

GRANT SELECT ON TABLE public.refinery_schema_history TO spindle_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.refresh_tokens TO spindle_api;

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

INSERT INTO public.refinery_schema_history VALUES (1, 'roles', '2026-11-26T22:17:41.152003671Z', '11440393341104801967');
INSERT INTO public.refinery_schema_history VALUES (2, 'users', '2026-11-26T22:17:41.154346374Z', '15663117307763424543');
INSERT INTO public.refinery_schema_history VALUES (3, 'outbox', '2026-11-26T22:17:41.156652703Z', '6350709295953637439');
INSERT INTO public.refinery_schema_history VALUES (4, 'tasks', '2026-11-26T22:17:41.159438873Z', '8507237613669821560');
INSERT INTO public.refinery_schema_history VALUES (5, 'sessions', '2026-11-26T22:17:41.175358011Z', '12814467689485126071');
INSERT INTO public.refinery_schema_history VALUES (6, 'api_settings', '2026-11-26T22:17:41.178940161Z', '4790188971975101246');
INSERT INTO public.refinery_schema_history VALUES (7, 'schema_version', '2026-11-26T22:17:41.179457729Z', '6678397684829079363');
INSERT INTO public.refinery_schema_history VALUES (10, 'audit', '2026-11-26T22:17:41.179768509Z', '9764696107094266443');
INSERT INTO public.refinery_schema_history VALUES (20, 'log', '2026-11-26T22:17:41.18619761Z', '16462477725200396961');
INSERT INTO public.refinery_schema_history VALUES (21, 'bridges', '2026-11-26T22:17:41.190807303Z', '7531265725472098476');
INSERT INTO public.refinery_schema_history VALUES (22, 'dead_letters', '2026-11-26T22:17:41.192224063Z', '14098554529514299704');
INSERT INTO public.refinery_schema_history VALUES (23, 'dead_letter_events', '2026-11-26T22:17:41.193516279Z', '929125984939332396');
INSERT INTO public.refinery_schema_history VALUES (24, 'lighter_writes', '2026-11-26T22:17:41.193907739Z', '5806806436319143382');
INSERT INTO public.refinery_schema_history VALUES (25, 'account_deletion', '2026-11-26T22:17:41.194573315Z', '3678584090624327605');
INSERT INTO public.refinery_schema_history VALUES (26, 'rates', '2026-11-26T22:17:41.194786461Z', '7254987017878478475');
INSERT INTO public.refinery_schema_history VALUES (27, 'search', '2026-11-26T22:17:41.197074433Z', '13284873657578706217');
INSERT INTO public.refinery_schema_history VALUES (28, 'words', '2026-11-26T22:17:41.199677201Z', '8109043883526590262');
INSERT INTO public.refinery_schema_history VALUES (29, 'open_tasks', '2026-11-26T22:17:41.20002732Z', '17340552522722262389');
INSERT INTO public.refinery_schema_history VALUES (30, 'write_outcomes', '2026-11-26T22:17:41.201022626Z', '10635684020108556112');
INSERT INTO public.refinery_schema_history VALUES (31, 'planner_hint', '2026-11-26T22:17:41.202517542Z', '3416566061112327066');
INSERT INTO public.refinery_schema_history VALUES (32, 'audit_time', '2026-11-26T22:17:41.202818929Z', '4070932348982345091');
INSERT INTO public.refinery_schema_history VALUES (33, 'outbox_quarantine', '2026-11-26T22:17:41.203165622Z', '9484099245744839973');
INSERT INTO public.refinery_schema_history VALUES (34, 'drop_log_drain', '2026-11-26T22:17:41.204191944Z', '11521452275809465522');
INSERT INTO public.refinery_schema_history VALUES (35, 'lock_timeout', '2026-11-26T22:17:41.204485519Z', '9379571241960724224');
INSERT INTO public.refinery_schema_history VALUES (36, 'jobs', '2026-11-26T22:17:41.204817651Z', '1656128366158321455');
INSERT INTO public.refinery_schema_history VALUES (37, 'kept_refusals', '2026-11-26T22:17:41.206883334Z', '2423819393914642257');
INSERT INTO public.refinery_schema_history VALUES (38, 'audit_verified', '2026-11-26T22:17:41.207449102Z', '17228778175910641227');
INSERT INTO public.refinery_schema_history VALUES (39, 'zone_abbreviations', '2026-11-26T22:17:41.2082033Z', '2527511481281441699');
INSERT INTO public.refinery_schema_history VALUES (40, 'title_order', '2026-11-26T22:17:41.20955882Z', '9278364268802400346');
INSERT INTO public.refinery_schema_history VALUES (41, 'tag_keys', '2026-11-26T22:17:41.214387347Z', '1010183436300239746');
INSERT INTO public.refinery_schema_history VALUES (42, 'comparable_emails', '2026-11-26T22:17:41.215628087Z', '9799425183119243722');
INSERT INTO public.refinery_schema_history VALUES (43, 'task_words', '2026-11-26T22:17:41.216704292Z', '15833069392342725188');

RESET search_path;
