-- The event log for machines without Kafka. A topic has a fixed number of partitions: a user's partition is the outbox
-- shard modulo that number, so changing it later would break the order of that user's events.
create table log_topics (
    topic      text primary key,
    partitions int not null check (partitions between 1 and 12),
    retention  interval not null
);

-- The next offset of each partition. Whoever appends holds the row, so offsets have no gap and appear in order.
create table log_heads (
    topic     text not null references log_topics,
    partition int not null,
    head      bigint not null default 0,
    primary key (topic, partition)
) with (fillfactor = 10);

-- `headers` is null for an ordinary event; dead letters and their replays carry a JSON object of strings.
create table log_records (
    topic       text not null,
    partition   int not null,
    "offset"    bigint not null,
    user_id     uuid not null,
    event_id    uuid not null,
    event       text not null,
    headers     text,
    appended_at timestamptz not null default clock_timestamp(),
    primary key (topic, partition, "offset")
) with (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);

-- `offset` is the next record that the group has not finished: everything before it has been settled.
create table log_offsets (
    group_name text not null,
    topic      text not null references log_topics,
    partition  int not null,
    "offset"   bigint not null default 0,
    settled_at timestamptz not null default clock_timestamp(),
    primary key (group_name, topic, partition)
) with (fillfactor = 10);

grant select, insert, update on log_topics, log_heads, log_offsets to spindle_bridge;
grant select, insert, delete on log_records to spindle_bridge;
grant select on log_topics, log_heads, log_records, log_offsets to spindle_readonly;
