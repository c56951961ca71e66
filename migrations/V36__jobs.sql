-- Jobs: work whose size is the size of an account. A request starts a job in its statement, and the bridge runs the job in steps,
-- each in a transaction of its own with its events, so a crash repeats or loses nothing.
create table jobs (
    id          uuid primary key,
    -- No foreign key: the job of a deleted account outlives the account.
    user_id     uuid not null,
    kind        text not null,
    -- What the steps need to know, and where the next one begins.
    state       jsonb not null,
    -- How many tasks the job had to change when it started, and how many it has changed.
    total       bigint not null,
    handled     bigint not null default 0,
    ended       boolean not null default false,
    -- Failures of the step that comes next. `next_at` grows with them, so that a job that fails holds up no other.
    failures    integer not null default 0,
    error       text,
    next_at     timestamptz not null default clock_timestamp(),
    created_at  timestamptz not null default clock_timestamp(),
    updated_at  timestamptz not null default clock_timestamp()
);

create index jobs_next on jobs (next_at) where not ended;
create index jobs_of_user on jobs (user_id, created_at);
create index jobs_ended on jobs (updated_at) where ended;

grant select, insert on jobs to spindle_api;
grant select on jobs to spindle_bridge, spindle_readonly;
