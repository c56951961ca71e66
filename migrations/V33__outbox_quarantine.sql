-- Outbox rows that the event log refuses for a reason in the row itself, such as an event that is larger than the log
-- accepts. In the outbox such a row would hold back all later events of its user. An operator lists, requeues or discards
-- them with `bridge quarantine`.
create table outbox_quarantine (
    -- The row's id in the outbox.
    id             bigint primary key,
    topic          text not null,
    user_id        uuid not null,
    event_id       uuid not null,
    event          text not null,
    queued_at      timestamptz not null,
    quarantined_at timestamptz not null default clock_timestamp(),
    reason         text not null
);

grant select, insert, delete on outbox_quarantine to spindle_bridge;
grant select on outbox_quarantine to spindle_readonly;
