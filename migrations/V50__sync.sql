-- One sequence of numbers for each user orders everything that a client shows. So far, `users.sync_seq` counted changes of tasks. Now each
-- change of a series, of reminders, of notifications or of the account takes a number, too, and the row keeps it. 0 means that the row
-- has not changed since this migration. A client that begins to synchronise gets all rows, so none of them is missed.

-- Requests lock these tables in this order.
alter table users add column account_seq bigint not null default 0;
alter table series add column seq bigint not null default 0;
alter table reminders add column seq bigint not null default 0;
alter table notifications add column seq bigint not null default 0;

-- What clients have done offline.

-- The version in which each field last changed: title, description, status, priority, tags, due, recurrence, reminders. 0 is a version
-- before this migration, or the first one. Null means zeros.
alter table tasks add column field_versions bigint[];

-- Tags and descriptions that tasks had. Merging a change of a client needs the value that the client has changed.
create table old_values (
    task_id     uuid not null,
    -- The last version that had the value.
    version     bigint not null,
    user_id     uuid not null,
    tags        text[],
    description text,
    created_at  timestamptz not null default clock_timestamp(),
    primary key (task_id, version)
);
create index old_values_created on old_values (created_at);
create index old_values_user on old_values (user_id);

-- Operations that were handled, so that a repeated one gets the same result.
create table sync_operations (
    user_id     uuid not null,
    op_id       text not null,
    fingerprint text not null,
    result      text not null,
    created_at  timestamptz not null default clock_timestamp(),
    primary key (user_id, op_id)
);
create index sync_operations_created on sync_operations (created_at);

-- Values that have lost against a later change of the same field.
create table conflicts (
    id         uuid primary key,
    user_id    uuid not null,
    task_id    uuid not null,
    field      text not null,
    theirs     json,
    yours      json,
    created_at timestamptz not null default clock_timestamp()
);
create index conflicts_of_user on conflicts (user_id, created_at desc, id desc);
create index conflicts_created on conflicts (created_at);

grant select, insert, delete on old_values, sync_operations, conflicts to spindle_api;
grant select on conflicts to spindle_readonly;
