//! The relay: outbox → log. Each shard is relayed by one bridge; rows leave the outbox only once the log has them.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};
use uuid::Uuid;

use crate::config::Secret;
use crate::health::Health;
use crate::leases::{BEAT, Leases};
use crate::log::Log;
use crate::metrics::Metrics;
use crate::policy::{self, Fate};

/// As many as the function `shard_of` knows (migration V24).
pub const SHARDS: i16 = 12;
const IDLE: Duration = Duration::from_millis(5);
/// What a batch under way is given when the bridge stops.
const SETTLE: Duration = Duration::from_secs(3);

/// The move out of the outbox is durable before anything that follows from it, as the server's journal is one
/// sequence; lost with a crash it happens again. The planner must not be fooled by an outbox that is mostly empty.
const SESSION: &str =
    "set synchronous_commit = off; set enable_seqscan = off; set enable_bitmapscan = off";

pub struct Relay {
    pub url: Secret,
    pub bridge: Uuid,
    pub batch: i32,
    pub log: Arc<dyn Log>,
    pub metrics: Metrics,
    pub health: Health,
    pub stop: CancellationToken,
}

/// A session of the relay and the shards it holds.
pub struct Shards {
    leases: Leases,
    numbers: Vec<i16>,
    beaten: Option<Instant>,
}

impl Shards {
    pub fn numbers(&self) -> &[i16] {
        &self.numbers
    }

    /// Lets others have them without waiting for the session's end to be noticed.
    pub async fn leave(mut self) -> anyhow::Result<()> {
        let held: Vec<String> = self.leases.held().iter().cloned().collect();
        self.leases.release(&held).await?;
        self.leases.leave().await
    }
}

impl Relay {
    /// Relays until told to stop; whatever cannot be reached is waited for.
    pub async fn run(self) -> anyhow::Result<()> {
        let mut shards = None;
        let mut failures = 0;
        while !self.stop.is_cancelled() {
            let wait = match self.step(&mut shards).await {
                Ok(moved) => {
                    failures = 0;
                    if moved > 0 { Duration::ZERO } else { IDLE }
                }
                Err(failed) => {
                    failures += 1;
                    shards = None;
                    self.metrics.shards.set(0);
                    self.health.down("relay", format!("{failed:#}"));
                    match policy::decide(&policy::classify(&failed, failures)) {
                        Fate::Retry { after, .. } => {
                            warn!(error = format!("{failed:#}"), ?after, "relaying failed");
                            after
                        }
                        Fate::DeadLetter { .. } | Fate::Halt => {
                            error!(error = format!("{failed:#}"), "relaying cannot work");
                            return Err(failed).context("the relay");
                        }
                    }
                }
            };
            if !wait.is_zero() {
                tokio::select! {
                    () = self.stop.cancelled() => {}
                    () = sleep(wait) => {}
                }
            }
        }
        if let Some(held) = shards {
            held.leave().await?;
        }
        Ok(())
    }

    /// Takes part in the sharing, moves one batch and says how many rows it held.
    pub async fn step(&self, shards: &mut Option<Shards>) -> anyhow::Result<usize> {
        let held = match shards {
            Some(held) => held,
            None => shards.insert(self.open().await?),
        };
        if held.beaten.is_none_or(|at| at.elapsed() >= BEAT) {
            self.balance(held).await?;
        }
        if held.numbers.is_empty() {
            return Ok(0);
        }
        let began = Instant::now();
        let moved = self.drain(held).await?;
        if moved > 0 {
            self.metrics.relayed.inc_by(moved as u64);
            self.metrics
                .relay_seconds
                .observe(began.elapsed().as_secs_f64());
        }
        Ok(moved)
    }

    async fn open(&self) -> anyhow::Result<Shards> {
        let names = (0..SHARDS).map(name).collect();
        let leases = Leases::open(&self.url, self.bridge, "relay", names).await?;
        leases.session().batch_execute(SESSION).await?;
        Ok(Shards {
            leases,
            numbers: Vec::new(),
            beaten: None,
        })
    }

    async fn balance(&self, held: &mut Shards) -> anyhow::Result<()> {
        let change = held.leases.beat().await?;
        // Nothing is under way between two steps, so extras can go at once.
        held.leases.release(&change.excess).await?;
        held.beaten = Some(Instant::now());
        held.numbers = (0..SHARDS)
            .filter(|shard| held.leases.held().contains(&name(*shard)))
            .collect();
        if !change.gained.is_empty() || !change.excess.is_empty() {
            info!(shards = ?held.numbers, "the relay's shards changed");
        }
        self.metrics.shards.set(held.numbers.len() as i64);
        self.health.up("relay");
        Ok(())
    }

    /// Moves a batch. While a log that is away keeps it waiting, the session goes on showing that it is alive.
    async fn drain(&self, held: &Shards) -> anyhow::Result<usize> {
        let session = held.leases.session();
        let mut draining = self.log.drain(session, &held.numbers, self.batch);
        loop {
            tokio::select! {
                moved = &mut draining => return moved,
                () = sleep(BEAT) => held.leases.stay().await?,
                () = self.stop.cancelled() => {
                    // Rows that the log has and that are not deleted are only relayed again.
                    return timeout(SETTLE, draining).await.unwrap_or(Ok(0));
                }
            }
        }
    }
}

fn name(shard: i16) -> String {
    format!("relay/{shard}")
}
