-- People and the services that act for them. `sync_seq` is taken first by every write to a user's data: the row lock
-- orders that user's writes, so their sequence has no gap and follows the order of commits.
create table users (
    id            uuid primary key,
    email         text not null check (length(email) <= 320),
    password_hash text not null,
    name          text not null default '',
    role          text not null default 'user' check (role in ('user', 'auditor', 'admin', 'service')),
    timezone      text not null default 'UTC',
    sync_seq      bigint not null default 0,
    created_at    timestamptz not null default clock_timestamp(),
    updated_at    timestamptz not null default clock_timestamp()
) with (fillfactor = 70);

create unique index users_email on users (lower(email));

grant select, insert, update on users to spindle_api;
grant select on users to spindle_readonly;
