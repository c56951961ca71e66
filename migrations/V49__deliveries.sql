-- Reminders by email and push. What goes to a user through a channel at once is one message, and is sent with its deliveries together.

-- The shard of a user's reminders. Agents fire shard by shard, so that several of them share what is due.
alter table reminders add column shard smallint generated always as ((uuid_hash(user_id) & 63)::smallint) stored;
create index reminders_due_in_shard on reminders (shard, fires_at) where fires_at is not null;
drop index reminders_due;

alter table deliveries
    -- The message that this delivery is a part of. Null for the inbox.
    add column message_id uuid,
    -- What the message says about the task. It is kept, because every attempt has to send the same.
    add column title text,
    add column due json,
    -- When it is sent, or tried again if nobody records a result; null if it is settled.
    add column next_at timestamptz;
create index deliveries_next on deliveries (channel, next_at) where next_at is not null;
create index deliveries_of_message on deliveries (message_id) where next_at is not null;

create table push_subscriptions (
    id         uuid primary key,
    user_id    uuid not null,
    endpoint   text not null unique,
    p256dh     text not null,
    auth       text not null,
    created_at timestamptz not null
);
create index push_subscriptions_of_user on push_subscriptions (user_id);

grant select, insert, update, delete on push_subscriptions to spindle_api;
