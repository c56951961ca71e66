-- What people did with a dead letter. The dead letters themselves lie in the log's `<topic>.dlq` topics, on both logs
-- alike, and a log only grows: so what has been replayed or discarded is remembered beside it.
create table dead_letters_handled (
    topic      text not null,
    partition  int not null,
    "offset"   bigint not null,
    event_id   text not null,
    group_name text not null,
    action     text not null check (action in ('replayed', 'discarded')),
    actor      text not null,
    handled_at timestamptz not null default clock_timestamp(),
    primary key (topic, partition, "offset", event_id)
);

grant select, insert, delete on dead_letters_handled to spindle_bridge;
grant select on dead_letters_handled to spindle_readonly;

-- Replaying and discarding are themselves audited: the operator's deed goes the same road as everyone else's.
grant insert on outbox to spindle_bridge;
