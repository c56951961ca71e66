-- Recurring tasks. A series has what its occurrences have in common; each occurrence is a task. A task keeps a copy of its series'
-- recurrence, so that lists and events need no join, and so that a completed task keeps the recurrence that it had.
create table series (
    id          uuid primary key,
    user_id     uuid not null,
    -- The member `recurrence` of its tasks, see `stored_recurrence`.
    recurrence  json not null,
    -- What the next occurrence gets.
    title       text not null,
    description text not null,
    priority    text not null,
    tags        text[] not null,
    -- The newest occurrence and the one before it. Only the completion of the newest one leads to another occurrence, which makes
    -- completing twice harmless.
    current_id  uuid not null,
    previous_id uuid,
    -- The version with which the newest occurrence was made; null for the first one. It tells whether the user has changed it.
    current_version bigint,
    -- When the agent looks for a missing occurrence; null if none is missing.
    next_at     timestamptz,
    ended_at    timestamptz,
    ended_by    text check (ended_by in ('rule', 'edit', 'split', 'deletion')),
    created_at  timestamptz not null,
    updated_at  timestamptz not null,
    check ((ended_at is null) = (ended_by is null))
);
create index series_next on series (next_at) where next_at is not null;
create index series_user on series (user_id);

alter table tasks add column recurrence json;
-- The number of the occurrence in its series, from 1.
alter table tasks add column occurrence_number bigint;

grant select, insert, update on series to spindle_api;
grant select on series to spindle_agent, spindle_readonly;
