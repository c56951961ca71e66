//! The relay moves events from the outbox to the event log. The outbox is divided into shards, and one bridge at a time
//! relays each shard. A row leaves the outbox only once the log has acknowledged its event.

pub mod holds;
pub mod pace;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};
use uuid::Uuid;

use self::holds::{Consequence, Holds};
use self::pace::{Horizon, Pace};
use crate::config::Secret;
use crate::health::Health;
use crate::leases::{HEARTBEAT, Leases};
use crate::log::{Claim, Fault, Log, Moved, NoAcknowledgement, Refusal, Rows};
use crate::metrics::Metrics;
use crate::policy::{self, Fate};
use crate::topics;

/// Number of shards; must equal the number that the SQL function `shard_of` divides users into (migration V24).
pub const SHARDS: i16 = 12;
/// Time that a batch in progress has to finish when the bridge stops.
const STOP_GRACE: Duration = Duration::from_secs(3);
/// Time to give the shards up when the log acknowledges nothing. They are free anyway once the session has ended.
const LEAVE_WITHIN: Duration = Duration::from_secs(2);
/// Bounds of the pause before a relay that was cut off from the log takes shards again. Another bridge has taken them by
/// then.
const FIRST_ABSENCE_MS: u64 = 3_000;
const MAX_ABSENCE_MS: u64 = 15_000;

/// Settings of the relay's session.
///
/// Commits are asynchronous: everything that follows from a move is later in the same write-ahead log, so a crash that
/// loses the move loses all that followed, and the rows are relayed again. Sequential and bitmap scans are off, because
/// the statistics of a mostly empty outbox would mislead the planner.
const SESSION: &str =
    "set synchronous_commit = off; set enable_seqscan = off; set enable_bitmapscan = off";

/// The relay of one bridge.
#[derive(Clone)]
pub struct Relay {
    pub url: Secret,
    /// Id of this bridge, by which bridges share the shards.
    pub bridge: Uuid,
    /// Maximum number of rows in a batch.
    pub batch: i32,
    /// How long the log may refuse a row before it goes into quarantine.
    pub quarantine_after: Duration,
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
    pace: Pace,
    holds: Holds,
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
        let (mut failures, mut absences) = (0, 0);
        while !self.stop.is_cancelled() {
            let pause = match self.step(&mut shards).await {
                Ok(0) => {
                    failures = 0;
                    shards.as_ref().map_or(HEARTBEAT, |held| held.pace.pause())
                }
                Ok(_) => {
                    (failures, absences) = (0, 0);
                    Duration::ZERO
                }
                Err(failed) if failed.is::<NoAcknowledgement>() => {
                    absences += 1;
                    self.give_up(shards.take(), &failed).await;
                    self.stand_back(absences).await;
                    Duration::ZERO
                }
                Err(failed) => {
                    failures += 1;
                    self.metrics.relay_errors.inc();
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
        let mut moved = 0;
        if let Some((row, fault)) = held.holds.due(started) {
            moved += self.retry(held, row, &fault).await?;
        }
        moved += self.claim(held).await?;
        if moved > 0 {
            self.metrics.relayed.inc_by(moved as u64);
            self.metrics
                .relay_duration
                .observe(started.elapsed().as_secs_f64());
        }
        Ok(moved)
    }

    /// Moves the next batch, without the rows that are held back.
    async fn claim(&self, held: &mut Shards) -> anyhow::Result<usize> {
        let full = held.pace.is_full_due(Instant::now());
        if full {
            let sql = include_str!("relay/horizon.sql");
            let row = held.leases.session().query_one(sql, &[]).await?;
            held.pace.note_horizon(Horizon {
                oldest: row.get(0),
                next: row.get(1),
            });
        }
        let began = Instant::now();
        let first = held.pace.first(full);
        let (held_users, held_topics) = (held.holds.users(), held.holds.topics());
        let mut topics = known_topics();
        topics.retain(|topic| !held_topics.contains(&topic.as_str()));
        let rows = Rows::From {
            first,
            limit: self.batch,
        };
        let claim = Claim {
            shards: &held.numbers,
            topics: &topics,
            held_users: &held_users,
            rows,
        };
        let moved = self.drain(held, claim).await?;
        held.pace
            .looked(full, moved.last, moved.cut_off, began, Instant::now());
        self.hold(held, &moved).await?;
        Ok(moved.rows)
    }

    /// Sends a row again, alone, that the log refused; ends the hold if the log takes it now.
    async fn retry(&self, held: &mut Shards, row: i64, fault: &Fault) -> anyhow::Result<usize> {
        let topics = known_topics();
        let claim = Claim {
            shards: &held.numbers,
            topics: &topics,
            held_users: &[],
            rows: Rows::Only(row),
        };
        let moved = self.drain(held, claim).await?;
        if !moved
            .refused
            .iter()
            .any(|refusal| refusal.at_fault == *fault)
        {
            held.holds.release(fault);
            held.pace.restart();
        }
        self.hold(held, &moved).await?;
        Ok(moved.rows)
    }

    /// Holds back what the log refused, and moves into quarantine what it has refused for too long.
    async fn hold(&self, held: &mut Shards, moved: &Moved) -> anyhow::Result<()> {
        for refusal in &moved.refused {
            // Rows that were claimed are still in the outbox.
            held.pace.restart();
            let topic = refusal.topic.as_str();
            self.metrics.refused.with_label_values(&[topic]).inc();
            match held
                .holds
                .refused(refusal, self.quarantine_after, Instant::now())
            {
                Consequence::Held { certain: true } => report(refusal),
                Consequence::Held { certain: false } => {}
                Consequence::Quarantine => {
                    held.leases
                        .session()
                        .execute(
                            include_str!("relay/quarantine.sql"),
                            &[&refusal.row, &refusal.error],
                        )
                        .await
                        .context("moving an outbox row into quarantine")?;
                    held.holds.release(&refusal.at_fault);
                    error!(
                        outbox.id = refusal.row,
                        topic,
                        error = refusal.error,
                        "the log refuses an outbox row: it is in quarantine, see `bridge quarantine list`"
                    );
                }
            }
        }
        for (kind, count) in [
            ("user", held.holds.users().len()),
            ("topic", held.holds.topics().len()),
        ] {
            self.metrics
                .held
                .with_label_values(&[kind])
                .set(i64::try_from(count)?);
        }
        Ok(())
    }

    /// Gives the shards up, so that a bridge that reaches the log can take them.
    async fn give_up(&self, held: Option<Shards>, why: &anyhow::Error) {
        warn!(
            error = format!("{why:#}"),
            "the relay is cut off from the log and gives its shards up"
        );
        self.metrics.cut_off.inc();
        self.metrics.shards.set(0);
        self.health.down("relay", format!("{why:#}"));
        if let Some(held) = held
            && !matches!(timeout(LEAVE_WITHIN, held.leave()).await, Ok(Ok(())))
        {
            warn!("the shards could not be released; they are free once Postgres ends the session");
        }
    }

    /// Waits for a while and until the log answers. The wait grows with each absence in a row: the log may answer and
    /// still acknowledge nothing.
    async fn stand_back(&self, absences: u32) {
        let absence = async {
            sleep(policy::backoff(FIRST_ABSENCE_MS, absences, MAX_ABSENCE_MS)).await;
            while self.log.ready().await.is_err() {
                sleep(HEARTBEAT).await;
            }
        };
        self.stop.run_until_cancelled(absence).await;
    }

    async fn open(&self) -> anyhow::Result<Shards> {
        let names = (0..SHARDS).map(lease_name).collect();
        let leases = Leases::open(&self.url, self.bridge, "relay", names).await?;
        leases.session().batch_execute(SESSION).await?;
        Ok(Shards {
            leases,
            numbers: Vec::new(),
            last_heartbeat: None,
            pace: Pace::default(),
            holds: Holds::default(),
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
            held.pace.restart();
        }
        self.metrics.shards.set(held.numbers.len() as i64);
        self.health.up("relay");
        Ok(())
    }

    /// Moves what is claimed. Sends heartbeats meanwhile, because an unreachable log can keep a batch waiting for long.
    async fn drain(&self, held: &Shards, claim: Claim<'_>) -> anyhow::Result<Moved> {
        let session = held.leases.session();
        let mut draining = self.log.drain(session, claim);
        loop {
            tokio::select! {
                moved = &mut draining => return moved,
                () = sleep(HEARTBEAT) => held.leases.keep_alive().await?,
                () = self.stop.cancelled() => {
                    // If the time is not enough, rows may be in the log and still in the outbox: they are relayed
                    // again.
                    let stopped = timeout(STOP_GRACE, draining).await;
                    return stopped.unwrap_or_else(|_| Ok(Moved::default()));
                }
            }
        }
    }
}

fn lease_name(shard: i16) -> String {
    format!("relay/{shard}")
}

/// The topics whose rows this bridge relays. Rows of other topics wait for a newer bridge, which knows them.
fn known_topics() -> Vec<String> {
    topics::all().into_iter().map(|(topic, _)| topic).collect()
}

/// Logs that something is held back from now on.
fn report(refusal: &Refusal) {
    let (topic, reason) = (&refusal.topic, &refusal.error);
    match &refusal.at_fault {
        Fault::Row(user) => warn!(
            user.id = %user, outbox.id = refusal.row, topic, error = reason,
            "the log refuses an outbox row: the rows of its user wait"
        ),
        Fault::Topic(_) => error!(
            topic,
            error = reason,
            "the log refuses every outbox row of a topic: they wait until it exists and this bridge may write to it"
        ),
    }
}
