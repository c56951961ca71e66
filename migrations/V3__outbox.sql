-- Events that left a transaction and have not reached the log. Functions only insert; the bridge claims and deletes.
-- `id` follows commit order within one user, because every writer holds that user's row lock when it draws one.
-- The shard comes from the last byte of the user's id, which is random in UUIDv4 and v7 alike.
create table outbox (
    id       bigint generated always as identity primary key,
    shard    smallint not null generated always as (get_byte(uuid_send(user_id), 15) % 12) stored,
    topic    text not null,
    user_id  uuid not null,
    event_id uuid not null,
    event    text not null,
    queued_at timestamptz not null default clock_timestamp()
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);

grant insert on outbox to spindle_api, spindle_agent;
grant select, update, delete on outbox to spindle_bridge;

-- RFC 9562 version 7: milliseconds since 1970 first, so that ids made later sort later. Postgres has none before 18.
create function uuid_v7() returns uuid
language sql volatile parallel safe
return encode(
    set_bit(set_bit(
        overlay(uuid_send(gen_random_uuid())
            placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6),
        52, 1), 53, 1), 'hex')::uuid;

-- RFC 3339 in UTC with microseconds, the one way a time is written anywhere.
create function rfc3339(moment timestamptz) returns text
language sql stable parallel safe
return to_char(moment at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
