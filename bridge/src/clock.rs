//! The clock: tells the agents whose group has a `tick` to look for work that is due. One bridge at a time does so.
//!
//! A tick says only "look now", so it is never sent again: the next one says the same. A lane has at most one tick to work
//! on. Ticks take no credit of the events' frames.

pub mod ticks;

use std::future;
use std::time::Instant;

use anyhow::Context;
use futures::future::select_all;
use tokio::time::{interval, sleep};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use uuid::Uuid;

use self::ticks::Ticks;
use crate::config::Secret;
use crate::doorbell::{Doorbell, Line};
use crate::groups::Group;
use crate::health::Health;
use crate::leases::{HEARTBEAT, Leases};
use crate::metrics::Metrics;
use crate::policy::{self, Fate};

/// The clock of one bridge.
#[derive(Clone)]
pub struct Clock {
    pub url: Secret,
    pub bridge: Uuid,
    pub groups: &'static [Group],
    pub doorbell: Doorbell,
    pub metrics: Metrics,
    pub health: Health,
    pub stop: CancellationToken,
}

/// The ticks of one group, and the line to its agent.
struct Hand {
    ticks: Ticks,
    line: Line,
}

impl Clock {
    /// Ticks until `stop` is cancelled, whenever this bridge holds the lease. Retries while Postgres cannot be reached.
    ///
    /// # Errors
    /// When retries cannot help, such as with a missing table or a wrong password.
    pub async fn run(self) -> anyhow::Result<()> {
        let mut failures = 0;
        while !self.stop.is_cancelled() {
            let Err(failed) = self.hold().await else {
                continue;
            };
            failures += 1;
            self.health.down("clock", format!("{failed:#}"));
            match policy::decide(&policy::classify(&failed, failures)) {
                Fate::Retry { after, .. } => {
                    warn!(
                        error = format!("{failed:#}"),
                        ?after,
                        "the clock failed and is retried"
                    );
                    self.stop.run_until_cancelled(sleep(after)).await;
                }
                Fate::DeadLetter { .. } | Fate::Halt => return Err(failed).context("the clock"),
            }
        }
        Ok(())
    }

    /// Tries for the lease, and ticks while it is held.
    async fn hold(&self) -> anyhow::Result<()> {
        let mut leases =
            Leases::open(&self.url, self.bridge, "clock", vec!["clock".to_owned()]).await?;
        let mut hands: Option<Vec<Hand>> = None;
        let mut heartbeat = interval(HEARTBEAT);
        loop {
            let next = hands.iter().flatten().map(|hand| hand.ticks.next_wake());
            let next = next.min().unwrap_or_else(|| Instant::now() + HEARTBEAT);
            tokio::select! {
                () = self.stop.cancelled() => {
                    let held: Vec<String> = leases.held().iter().cloned().collect();
                    leases.release(&held).await?;
                    return leases.leave().await;
                }
                _ = heartbeat.tick() => {
                    // Another bridge may join: the clock stays where it is, because nothing is gained by a move.
                    leases.heartbeat().await?;
                    if !leases.held().is_empty() && hands.is_none() {
                        info!("this bridge keeps the clock");
                        hands = Some(self.hands());
                    }
                    self.health.up("clock");
                }
                () = listen(hands.as_deref_mut().unwrap_or_default()) => {}
                () = tokio::time::sleep_until(next.into()) => {}
            }
            for hand in hands.iter_mut().flatten() {
                hand.turn(&self.metrics);
            }
        }
    }

    fn hands(&self) -> Vec<Hand> {
        let now = Instant::now();
        let hand = |group: &'static Group| {
            let line = self.doorbell.line(group.name);
            Some(Hand {
                ticks: Ticks::new(group.name, group.tick?, group.deaf_after, now),
                line,
            })
        };
        self.groups.iter().filter_map(hand).collect()
    }
}

/// Takes one report from Redis, which may make a tick due.
async fn listen(hands: &mut [Hand]) {
    let reports = hands.iter_mut().map(|hand| Box::pin(hand.listen()));
    match reports.len() {
        0 => future::pending().await,
        _ => drop(select_all(reports).await),
    }
}

impl Hand {
    async fn listen(&mut self) {
        match self.line.signals.recv().await {
            Some(signal) => self.ticks.report(signal, Instant::now()),
            // The connection to Redis has ended for good, and so does the bridge.
            None => future::pending().await,
        }
    }

    /// Takes what Redis reported, and sends the ticks that are due.
    fn turn(&mut self, metrics: &Metrics) {
        let now = Instant::now();
        while let Ok(signal) = self.line.signals.try_recv() {
            self.ticks.report(signal, now);
        }
        for message in self.ticks.due(self.line.reply_to(), now) {
            metrics.ticks.with_label_values(&[self.ticks.group()]).inc();
            self.line.publish(message);
        }
    }
}
