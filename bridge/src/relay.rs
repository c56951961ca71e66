//! The relay moves events from the outbox to the event log. The outbox is divided into shards, and one bridge at a time
//! relays each shard. A row leaves the outbox only once the log has acknowledged its event.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};
use uuid::Uuid;

use crate::config::Secret;
use crate::health::Health;
use crate::leases::{HEARTBEAT, Leases};
use crate::log::Log;
use crate::metrics::Metrics;
use crate::policy::{self, Fate};

/// Number of shards; must equal the number that the SQL function `shard_of` divides users into (migration V24).
pub const SHARDS: i16 = 12;
/// Pause before the next look into an empty outbox.
const IDLE_PAUSE: Duration = Duration::from_millis(5);
/// Time that a batch in progress has to finish when the bridge stops.
const STOP_GRACE: Duration = Duration::from_secs(3);

/// Settings of the relay's session.
///
/// Commits are asynchronous: everything that follows from a move is later in the same write-ahead log, so a crash that
/// loses the move loses all that followed, and the rows are relayed again. Sequential and bitmap scans are off, because
/// the statistics of a mostly empty outbox would mislead the planner.
const SESSION: &str =
    "set synchronous_commit = off; set enable_seqscan = off; set enable_bitmapscan = off";

/// The relay of one bridge.
pub struct Relay {
    pub url: Secret,
    /// Id of this bridge, by which bridges share the shards.
    pub bridge: Uuid,
    /// Maximum number of rows in a batch.
    pub batch: i32,
    pub log: Arc<dyn Log>,
    pub metrics: Metrics,
    pub health: Health,
    pub stop: CancellationToken,
}

/// The relay's database session and the shards that it holds.
pub struct Shards {
    leases: Leases,
    numbers: Vec<i16>,
    last_heartbeat: Option<Instant>,
}

impl Shards {
    /// The numbers of the shards held, ascending.
    pub fn numbers(&self) -> &[i16] {
        &self.numbers
    }

    /// Releases all shards, so that other bridges can take them at once.
    ///
    /// # Errors
    /// When Postgres fails. The shards are free nevertheless once the session has ended.
    pub async fn leave(mut self) -> anyhow::Result<()> {
        let held: Vec<String> = self.leases.held().iter().cloned().collect();
        self.leases.release(&held).await?;
        self.leases.leave().await
    }
}

impl Relay {
    /// Relays until `stop` is cancelled. Retries while Postgres or the log cannot be reached.
    ///
    /// # Errors
    /// When retries cannot help, such as with a missing table or a wrong password.
    pub async fn run(self) -> anyhow::Result<()> {
        let mut shards = None;
        let mut failures = 0;
        while !self.stop.is_cancelled() {
            let pause = match self.step(&mut shards).await {
                Ok(moved) => {
                    failures = 0;
                    if moved > 0 {
                        Duration::ZERO
                    } else {
                        IDLE_PAUSE
                    }
                }
                Err(failed) => {
                    failures += 1;
                    shards = None;
                    self.metrics.shards.set(0);
                    self.health.down("relay", format!("{failed:#}"));
                    match policy::decide(&policy::classify(&failed, failures)) {
                        Fate::Retry { after, .. } => {
                            warn!(
                                error = format!("{failed:#}"),
                                ?after,
                                "relaying failed and is retried"
                            );
                            after
                        }
                        Fate::DeadLetter { .. } | Fate::Halt => {
                            error!(error = format!("{failed:#}"), "relaying failed for good");
                            return Err(failed).context("the relay");
                        }
                    }
                }
            };
            if !pause.is_zero() {
                tokio::select! {
                    () = self.stop.cancelled() => {}
                    () = sleep(pause) => {}
                }
            }
        }
        if let Some(held) = shards {
            held.leave().await?;
        }
        Ok(())
    }

    /// Sends a heartbeat if one is due, moves one batch from the shards held, and returns the number of rows moved.
    ///
    /// # Errors
    /// When Postgres or the log fails. Drop the shards then: their session may be lost.
    pub async fn step(&self, shards: &mut Option<Shards>) -> anyhow::Result<usize> {
        let held = match shards {
            Some(held) => held,
            None => shards.insert(self.open().await?),
        };
        if held
            .last_heartbeat
            .is_none_or(|at| at.elapsed() >= HEARTBEAT)
        {
            self.balance(held).await?;
        }
        if held.numbers.is_empty() {
            return Ok(0);
        }
        let started = Instant::now();
        let moved = self.drain(held).await?;
        if moved > 0 {
            self.metrics.relayed.inc_by(moved as u64);
            self.metrics
                .relay_seconds
                .observe(started.elapsed().as_secs_f64());
        }
        Ok(moved)
    }

    async fn open(&self) -> anyhow::Result<Shards> {
        let names = (0..SHARDS).map(lease_name).collect();
        let leases = Leases::open(&self.url, self.bridge, "relay", names).await?;
        leases.session().batch_execute(SESSION).await?;
        Ok(Shards {
            leases,
            numbers: Vec::new(),
            last_heartbeat: None,
        })
    }

    /// Sends a heartbeat and adjusts the shards held to the fair share.
    async fn balance(&self, held: &mut Shards) -> anyhow::Result<()> {
        let change = held.leases.heartbeat().await?;
        // No batch is in progress between two steps, so excess shards can be released at once.
        held.leases.release(&change.excess).await?;
        held.last_heartbeat = Some(Instant::now());
        held.numbers = (0..SHARDS)
            .filter(|shard| held.leases.held().contains(&lease_name(*shard)))
            .collect();
        if !change.gained.is_empty() || !change.excess.is_empty() {
            info!(shards = ?held.numbers, "the relay's shards changed");
        }
        self.metrics.shards.set(held.numbers.len() as i64);
        self.health.up("relay");
        Ok(())
    }

    /// Moves one batch. Sends heartbeats meanwhile, because an unreachable log can keep a batch waiting for long.
    async fn drain(&self, held: &Shards) -> anyhow::Result<usize> {
        let session = held.leases.session();
        let mut draining = self.log.drain(session, &held.numbers, self.batch);
        loop {
            tokio::select! {
                moved = &mut draining => return moved,
                () = sleep(HEARTBEAT) => held.leases.keep_alive().await?,
                () = self.stop.cancelled() => {
                    // If the time is not enough, rows may be in the log and still in the outbox: they are relayed
                    // again.
                    return timeout(STOP_GRACE, draining).await.unwrap_or(Ok(0));
                }
            }
        }
    }
}

fn lease_name(shard: i16) -> String {
    format!("relay/{shard}")
}
