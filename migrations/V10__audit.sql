-- The audit trail: every event, once, in a chain of hashes per user that nobody can edit quietly.
--
-- Partitioned by the event's own time, a month each, because retention must be able to drop old entries where DELETE is
-- refused. The time is part of the key since Postgres asks for the partition key in it; an event always carries the same one.
create table audit_logs (
    event_id       uuid not null,
    time           timestamptz not null,
    user_id        uuid not null,
    no             bigint not null check (no > 0),
    task_id        uuid,
    type           text not null,
    actor_type     text,
    actor_id       text,
    correlation_id text,
    seq            bigint,
    prev_hash      bytea not null check (octet_length(prev_hash) = 32),
    hash           bytea not null check (octet_length(hash) = 32),
    recorded_at    timestamptz not null,
    event          text not null,
    primary key (event_id, time),
    -- A line feed ends a field in the text that is hashed, and an empty field stands for an absent one.
    check (strpos(type, e'\n') = 0 and type <> ''),
    check (strpos(actor_type, e'\n') = 0 and actor_type <> ''),
    check (strpos(actor_id, e'\n') = 0 and actor_id <> ''),
    check (strpos(correlation_id, e'\n') = 0 and correlation_id <> '')
) partition by range (time);

-- One chain in its order, for the owner's list and for verifying.
create unique index audit_logs_chain on audit_logs (user_id, no, time);
-- Everybody's entries, newest first, for auditors.
create index audit_logs_time on audit_logs (time, event_id);
create index audit_logs_task on audit_logs (task_id, time) where task_id is not null;
create index audit_logs_correlation on audit_logs (correlation_id) where correlation_id is not null;

-- The head of each chain. Its row lock orders the appends of one user. `dropped_*` is the last entry that retention removed,
-- so that what remains can still be verified from there.
create table audit_chains (
    user_id      uuid primary key,
    no           bigint not null default 0,
    hash         bytea not null default decode(repeat('00', 32), 'hex'),
    dropped_no   bigint not null default 0,
    dropped_hash bytea not null default decode(repeat('00', 32), 'hex')
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0);

-- The text of an entry whose hash is taken. The recipe, to check a chain without Postgres:
--
--   text = "spindle.audit.1" LF no LF event_id LF user_id LF time LF recorded_at LF seq LF task_id LF type LF
--          actor_type LF actor_id LF correlation_id LF event
--   hash = SHA-256 (prev_hash as 32 bytes, followed by text in UTF-8)
--
-- LF is one line feed (0x0A); numbers are decimal; ids are UUIDs in lower case with hyphens; times are RFC 3339 in UTC
-- with exactly six digits of the second (2026-03-01T09:00:00.123456Z); an absent field is empty; `event` is the event's JSON
-- exactly as received and comes last, so that a line feed in it cannot be taken for a field's end. The first entry of a
-- chain has no = 1 and a prev_hash of 32 zero bytes, every other one has its predecessor's no + 1 and hash.
create function audit_entry_text(
    no bigint, event_id uuid, user_id uuid, "time" timestamptz, recorded_at timestamptz, seq bigint, task_id uuid,
    type text, actor_type text, actor_id text, correlation_id text, event text
) returns text
language sql stable parallel safe
return e'spindle.audit.1\n' || no::text || e'\n' || event_id::text || e'\n' || user_id::text || e'\n'
    || rfc3339("time") || e'\n' || rfc3339(recorded_at) || e'\n' || coalesce(seq::text, '') || e'\n'
    || coalesce(task_id::text, '') || e'\n' || type || e'\n' || coalesce(actor_type, '') || e'\n'
    || coalesce(actor_id, '') || e'\n' || coalesce(correlation_id, '') || e'\n' || event;

-- The hash of an entry from its predecessor's. As a window aggregate over one user's new entries it makes their chain:
-- `head` is the hash to start from.
create function audit_link(prev_hash bytea, head bytea, entry text) returns bytea
language plpgsql stable parallel safe as $$
begin
    return sha256(coalesce(prev_hash, head) || convert_to(entry, 'UTF8'));
end
$$;
create aggregate audit_chain(head bytea, entry text) (sfunc = audit_link, stype = bytea);

-- An event taken apart; `n` is its place in the frame, `id` its id as it was written.
create type audit_event as (
    n integer, id text, event_id uuid, "time" timestamptz, user_id uuid, task_id uuid, type text, actor_type text, actor_id text,
    correlation_id text, seq bigint, event text
);

-- The refusal, for everybody: the owner and superusers as well. Statement triggers do not pass from a parent to its
-- partitions, so each table has its own, and `enable always` keeps them in force under session_replication_role too.
create function audit_refuse() returns trigger
language plpgsql as $$
begin
    raise exception 'the audit trail is append-only: % on % is refused', tg_op, tg_table_name
        using errcode = 'insufficient_privilege';
end
$$;

create function audit_guard(target regclass) returns void
language plpgsql as $$
begin
    execute format(
        'create trigger append_only before update or delete or truncate on %s for each statement execute function audit_refuse()',
        target);
    execute format('alter table %s enable always trigger append_only', target);
end
$$;
revoke execute on function audit_guard(regclass) from public;

select audit_guard('audit_logs');

-- No event is ever refused for its date: what fits no month waits here.
create table audit_logs_default partition of audit_logs default;
select audit_guard('audit_logs_default');

-- Functions of these roles write through audit_append alone.
grant select on audit_logs, audit_chains to spindle_api, spindle_readonly;
