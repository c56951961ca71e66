-- One-time tickets, with which clients open live connections at a gateway. A gateway has no keys, so it cannot check access tokens.

-- Unlogged, because a ticket lives for seconds: after a crash of the server, clients ask for new ones.
create unlogged table live_tickets (
    -- SHA-256 of the ticket, which only the client has.
    hash             bytea primary key,
    user_id          uuid not null references users (id) on delete cascade,
    -- The origin of the page that may use it; null for a client that is no browser.
    origin           text,
    -- What `account_stamp` said when it was issued.
    stamp            bigint not null,
    -- When the access token ends, and the connection with it.
    token_expires_at timestamptz not null,
    expires_at       timestamptz not null
);
create index live_tickets_of_user on live_tickets (user_id, expires_at);
create index live_tickets_expires on live_tickets (expires_at);

grant select, insert, delete on live_tickets to spindle_api;
