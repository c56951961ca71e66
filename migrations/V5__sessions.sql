-- Refresh tokens: only their SHA-256 is kept, so a copy of the table opens nothing. Each use replaces the token by a new
-- one of the same family; a token that comes back long after it was replaced was stolen, and ends the family.
create table refresh_tokens (
    hash        bytea primary key,
    user_id     uuid not null references users (id) on delete cascade,
    family      uuid not null,
    issued_at   timestamptz not null default clock_timestamp(),
    expires_at  timestamptz not null,
    replaced_at timestamptz,
    revoked_at  timestamptz
);

create index refresh_tokens_family on refresh_tokens (family);
create index refresh_tokens_user on refresh_tokens (user_id);
create index refresh_tokens_expiry on refresh_tokens (expires_at);

grant select, insert, update, delete on refresh_tokens to spindle_api;

-- First answers to requests with an Idempotency-Key, for 24 hours. The row is written by the statement that it answers
-- for, so there is an answer exactly when there is an effect.
create table idempotency_keys (
    user_id     uuid not null,
    key         text not null,
    fingerprint text not null,
    status      integer not null,
    version     bigint,
    location    text,
    body        text not null,
    created_at  timestamptz not null default clock_timestamp(),
    primary key (user_id, key)
);

create index idempotency_keys_age on idempotency_keys (created_at);

grant select, insert, update, delete on idempotency_keys to spindle_api;
