-- Reminders of tasks, and what was sent because of them. A task keeps a copy of its reminders' definitions, as with recurrences.

-- Requests lock these three tables in this order. So the migration waits for requests, and no deadlock arises.
-- Time of day from which a day counts, channels, defaults and quiet hours, see `domain/src/reminder/preferences.rs`.
alter table users add column preferences json;
alter table tasks add column reminders json;
alter table series add column reminders json;

create table reminders (
    id            uuid primary key,
    user_id       uuid not null,
    task_id       uuid not null,
    -- How long before the due date, of which days count on the calendar; or when.
    lead          interval,
    at            timestamptz,
    -- Null for the channels of the account.
    channels      text[] check (channels <@ array['in_app', 'email', 'push']),
    -- How often it is repeated until it is acknowledged.
    every         interval,
    state         text not null default 'scheduled' check (state in ('scheduled', 'fired', 'acknowledged', 'cancelled')),
    -- When it is to fire because of the task's due date, or of `at`. It is scheduled again only if this changes.
    planned_at    timestamptz,
    -- When it fires next; null if it does not.
    fires_at      timestamptz,
    snoozed_until timestamptz,
    created_at    timestamptz not null,
    updated_at    timestamptz not null,
    check ((lead is null) <> (at is null))
);
create index reminders_due on reminders (fires_at) where fires_at is not null;
create index reminders_task on reminders (task_id);
create index reminders_user on reminders (user_id);

-- One row for each time a reminder fires, and channel. It is the proof that nothing is sent twice or forgotten.
create table deliveries (
    id           uuid primary key,
    reminder_id  uuid not null,
    user_id      uuid not null,
    task_id      uuid not null,
    fire_at      timestamptz not null,
    channel      text not null check (channel in ('in_app', 'email', 'push')),
    status       text not null default 'pending' check (status in ('pending', 'sent', 'failed', 'dropped')),
    attempts     integer not null default 0,
    is_late      boolean not null,
    error        text,
    created_at   timestamptz not null,
    updated_at   timestamptz not null,
    unique (reminder_id, fire_at, channel)
);
create index deliveries_created on deliveries (created_at);
create index deliveries_user on deliveries (user_id);

-- The inbox.
create table notifications (
    id          uuid primary key,
    user_id     uuid not null,
    task_id     uuid not null,
    reminder_id uuid not null,
    title       text not null,
    due         json,
    due_at      timestamptz,
    is_late     boolean not null,
    created_at  timestamptz not null,
    read_at     timestamptz
);
create index notifications_of_user on notifications (user_id, created_at desc, id desc);
create index notifications_created on notifications (created_at);
create index notifications_unread on notifications (user_id) where read_at is null;

grant select, insert, update, delete on reminders to spindle_api;
grant select, insert, update on deliveries, notifications to spindle_api;
grant select on reminders, deliveries, notifications to spindle_readonly;
