-- Words of a user's tags for full-text search. Postgres calls array_to_string only stable, for types whose output
-- depends on settings; text has no such output, so a generated column may use it.
create function tags_text(tags text[]) returns text
language plpgsql immutable parallel safe as
$$ begin return array_to_string(tags, ' '); end $$;

-- Tasks. There is no foreign key to users: every writer has just locked the user's row in the same statement, and a key
-- would look the row up once more for each task.
-- `due` is kept as it was given, `due_at` is the instant it means: for a date, the last microsecond of its day where the
-- owner is. Deleted tasks stay as tombstones, so that clients which were away can learn of it.
create table tasks (
    id           uuid primary key,
    user_id      uuid not null,
    title        text not null,
    description  text not null default '',
    status       text not null default 'open' check (status in ('open', 'in_progress', 'completed', 'cancelled')),
    priority     text not null default 'medium' check (priority in ('low', 'medium', 'high', 'urgent')),
    tags         text[] not null default '{}',
    due          json,
    due_at       timestamptz check ((due_at is null) = (due is null)),
    series_id    uuid,
    occurrence   text,
    version      bigint not null default 1,
    seq          bigint not null,
    created_at   timestamptz not null,
    updated_at   timestamptz not null,
    completed_at timestamptz check ((completed_at is not null) = (status = 'completed')),
    deleted_at   timestamptz,
    search       tsvector not null generated always as (
        to_tsvector('simple'::regconfig, title || ' ' || description || ' ' || tags_text(tags))) stored
) with (autovacuum_vacuum_scale_factor = 0.05);

-- One index for each order that a list is usually read in; the id makes the order total, which a cursor needs.
create index tasks_created on tasks (user_id, created_at, id) where deleted_at is null;
create index tasks_updated on tasks (user_id, updated_at, id) where deleted_at is null;
create index tasks_due on tasks (user_id, coalesce(due_at, 'infinity'), id) where deleted_at is null;

-- Tags and words are looked up within one user's tasks, however many tasks all users have together.
create extension if not exists btree_gin;
create index tasks_words on tasks using gin (user_id, tags, search) where deleted_at is null;

grant select, insert, update on tasks to spindle_api;
grant select on tasks to spindle_agent, spindle_readonly;
