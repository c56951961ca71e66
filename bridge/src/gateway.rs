//! The gateway: serves live updates over WebSocket (`/live`) and as server-sent events (`/live/events`). Several can run at once; each has
//! all channels and its own clients.
//!
//! # Why a client misses no change
//!
//! Each change of a user's data has a number, and a user's numbers have no gap. They are given under the lock of the user's row, so they
//! are committed in their order. `sync` publishes them in that order, and repeats some; `users.sync_seq` is the newest number that is
//! committed. A client has a number N up to which it is complete. The hub keeps the same number for each connection, and passes on N + 1 and
//! nothing else:
//!
//! - **A lower number** is a repeat, and is dropped.
//! - **A higher number** shows a gap, wherever it came from: an event that was refused, a message that Redis lost. The client is told
//!   `resync` with that number, and pulls `/api/sync`. The number is committed, so the answer is complete up to it.
//! - **Silence** can hide a gap, too. So every two seconds the gateway reads the numbers of all connected users. If one is committed and has
//!   not come after ten seconds, the clients are told `resync`. This alone would keep clients complete; the rest makes it fast.
//!
//! What is left is the beginning of a connection. The redemption of the ticket returns a number S that is committed. The client joins the
//! hub after that, and meanwhile S + 1 may have come and gone. The ring of the user has it then, because rings keep the messages of all users.
//! If the user has no ring, nothing came since the statement began, or the hub has forgotten something that came later, and knows it
//! (`Rings::last`). Then the number is read again. So at the moment in which the client joins, the newest number that was published is known
//! to be the larger one of S and what the ring has. A client that has this number is complete. One that has a lower number gets the rest from the
//! ring, if the ring has all of it, and otherwise `resync`.
//!
//! A subscription to Redis that breaks loses messages. When it is active again, everything that the rings have is forgotten, and the numbers
//! of all connected users are read, after the subscription has begun. All clients are told `resync` with the number of their user.

pub mod accounts;
pub mod closing;
pub mod connection;
pub mod events;
pub mod hub;
pub mod outlet;
pub mod request;
pub mod ring;
pub mod server;
pub mod subscription;
pub mod watch;
pub mod websocket;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::info;

use self::accounts::Accounts;
use self::connection::CLOSE_LIMIT;
use self::hub::Hub;
use self::subscription::Subscription;
use crate::config::Secret;
use crate::config::live::LiveSettings;
use crate::health::Health;
use crate::metrics::Metrics;

/// The gateway of one bridge.
pub struct Gateway {
    hub: Arc<Hub>,
    accounts: Arc<Accounts>,
    /// Origins of pages that may connect.
    origins: Vec<String>,
    /// How often a client is pinged.
    ping: Duration,
    metrics: Metrics,
    /// Everything that serves a client.
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// What a gateway is started with.
#[derive(Clone)]
pub struct Start {
    pub listener: Arc<TcpListener>,
    pub url: Secret,
    pub redis: redis::Client,
    /// Prefix of the channels.
    pub prefix: String,
    pub settings: LiveSettings,
    pub metrics: Metrics,
    pub health: Health,
    pub stop: CancellationToken,
}

impl Start {
    /// Serves clients until `stop` is cancelled. Then all connections are closed, and each client is told another time to come back.
    ///
    /// # Errors
    /// None so far: a gateway waits for what is away.
    pub async fn run(self) -> anyhow::Result<()> {
        let hub = Arc::new(Hub::new(
            self.settings.ring_bytes(),
            self.metrics.clone(),
            Instant::now(),
        ));
        let accounts = Arc::new(Accounts::new(&self.url));
        let begun = Arc::new(Notify::new());
        let gateway = Arc::new(Gateway {
            hub: hub.clone(),
            accounts: accounts.clone(),
            origins: self.settings.live_origins.clone(),
            ping: self.settings.ping(),
            metrics: self.metrics,
            tasks: TaskTracker::new(),
            stop: self.stop.clone(),
        });
        server::allow_many_files();
        info!(listen = %self.listener.local_addr()?, "the gateway serves live connections");
        let subscription = Subscription {
            client: self.redis,
            prefix: self.prefix,
            hub: hub.clone(),
            begun: begun.clone(),
            health: self.health,
        };
        tokio::select! {
            () = subscription.run() => {}
            () = watch::run(hub, accounts, begun) => {}
            () = server::run(&self.listener, &gateway) => {}
            () = self.stop.cancelled() => {}
        }
        gateway.tasks.close();
        // Each connection takes its time to close, and all of them close at once.
        let _ = timeout(CLOSE_LIMIT * 2, gateway.tasks.wait()).await;
        Ok(())
    }
}
