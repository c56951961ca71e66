//! The loop that reads the Postgres log for a group: polls for records, and shares the partitions with other bridges.

use std::future::pending;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until, timeout};
use tracing::{info, warn};

use super::session::Session;
use crate::config::Secret;
use crate::leases::HEARTBEAT;
use crate::log::{Delivery, Mark, Pause, Reading};
use crate::policy;

/// How often a reader looks whether it is still to pause.
const PAUSE_CHECK: Duration = Duration::from_millis(8);
/// Time after which a reader without new records fetches although nobody told it of any.
const IDLE_FETCH: Duration = Duration::from_secs(5);
const COMMIT_INTERVAL: Duration = Duration::from_millis(100);
/// Time that events in flight have to settle when a partition goes to another bridge.
const REVOKE_TIMEOUT: Duration = Duration::from_secs(5);

/// The reading end of a [`crate::log::Consumer`].
pub(super) struct Reader {
    pub url: Secret,
    /// Changes when there are new records.
    pub appended: watch::Receiver<()>,
    pub pause: Pause,
    pub reading: Reading,
    pub deliveries: mpsc::Sender<Delivery>,
    pub marks: mpsc::UnboundedReceiver<Vec<Mark>>,
}

impl Reader {
    /// Reads until `stop` is cancelled. Opens a new session after each failure.
    pub async fn run(mut self) {
        let mut failures = 0;
        while !self.reading.stop.is_cancelled() {
            let mut session = None;
            match self.read(&mut session).await {
                Ok(()) => break,
                Err(error) => {
                    failures = if session.is_some() { 1 } else { failures + 1 };
                    warn!(
                        group = self.reading.group.name,
                        error = format!("{error:#}"),
                        "reading the log failed and is retried"
                    );
                    self.reading
                        .health
                        .down(&self.reading.health_part(), format!("{error:#}"));
                    if let Some(lost) = session {
                        let partitions = lost.next.into_keys().collect();
                        let _ = self
                            .deliveries
                            .send(Delivery::Revoked {
                                partitions,
                                settled: None,
                            })
                            .await;
                    }
                    tokio::select! {
                        () = self.reading.stop.cancelled() => {}
                        () = sleep(policy::backoff(100, failures, 2_000)) => {}
                    }
                }
            }
        }
    }

    /// Reads until `stop` is cancelled. After an error `session` still holds the partitions that were lost with it.
    async fn read(&mut self, session: &mut Option<Session>) -> anyhow::Result<()> {
        let opened = Session::open(&self.url, self.reading.bridge, self.reading.group).await?;
        let session = session.insert(opened);
        self.reading.health.up(&self.reading.health_part());
        let mut heartbeat = interval(HEARTBEAT);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut commit = interval(COMMIT_INTERVAL);
        commit.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut fetch_at = Instant::now();
        loop {
            tokio::select! {
                biased;
                () = self.reading.stop.cancelled() => return self.stop(session).await,
                Some(marks) = self.marks.recv() => session.note_marks(marks),
                _ = commit.tick(), if session.has_marks() => session.commit().await?,
                _ = heartbeat.tick() => if self.balance(session).await? {
                    fetch_at = Instant::now();
                },
                () = appended(&mut self.appended) => fetch_at = Instant::now(),
                () = sleep_until(fetch_at) => {
                    let wait = if self.pause.is_set() {
                        PAUSE_CHECK
                    } else if self.fetch(session).await? == 0 {
                        IDLE_FETCH
                    } else {
                        Duration::ZERO
                    };
                    fetch_at = Instant::now() + wait;
                }
            }
        }
    }

    /// Sends a heartbeat, and takes or gives up partitions towards the fair share. Returns whether it has taken any.
    async fn balance(&mut self, session: &mut Session) -> anyhow::Result<bool> {
        let change = session.leases.heartbeat().await?;
        if !change.excess.is_empty() {
            self.reading.count_rebalance();
            self.give_up(session, change.excess, REVOKE_TIMEOUT).await?;
        }
        if change.gained.is_empty() {
            return Ok(false);
        }
        self.reading.count_rebalance();
        let gained = session.partitions(&change.gained);
        session.start_at_committed(&gained, &self.reading).await?;
        info!(
            group = self.reading.group.name,
            gained = ?change.gained,
            held = session.next.len(),
            "partitions assigned"
        );
        self.send(Delivery::Assigned(gained)).await?;
        Ok(true)
    }

    /// Revokes partitions: waits until dispatch has settled what is in flight, commits the marks, and releases the
    /// leases.
    async fn give_up(
        &mut self,
        session: &mut Session,
        names: Vec<String>,
        limit: Duration,
    ) -> anyhow::Result<()> {
        let partitions = session.partitions(&names);
        for partition in &partitions {
            session.next.remove(partition);
        }
        let (settled, mut is_settled) = oneshot::channel();
        self.send(Delivery::Revoked {
            partitions,
            settled: Some(settled),
        })
        .await?;
        let until = Instant::now() + limit;
        while timeout(HEARTBEAT, &mut is_settled).await.is_err() && Instant::now() < until {
            session.leases.session().execute("select 1", &[]).await?;
        }
        while let Ok(marks) = self.marks.try_recv() {
            session.note_marks(marks);
        }
        session.commit().await?;
        info!(
            group = self.reading.group.name,
            ?names,
            "partitions revoked"
        );
        session.leases.release(&names).await
    }

    /// Revokes every partition and leaves the group.
    async fn stop(&mut self, session: &mut Session) -> anyhow::Result<()> {
        let names: Vec<String> = session.leases.held().iter().cloned().collect();
        self.give_up(session, names, self.reading.stop_within)
            .await?;
        session.leases.leave().await
    }

    /// Fetches and delivers the next records of all partitions held; returns their number.
    async fn fetch(&mut self, session: &mut Session) -> anyhow::Result<usize> {
        session.paused = self.pause.partitions();
        let records = session.fetch(&self.reading).await?;
        let fetched = records.len();
        if fetched > 0 {
            self.send(Delivery::Records(records)).await?;
        }
        Ok(fetched)
    }

    async fn send(&self, delivery: Delivery) -> anyhow::Result<()> {
        self.deliveries
            .send(delivery)
            .await
            .ok()
            .context("dispatch has ended")
    }
}

/// Waits for new records. A change that comes while nobody waits is not lost: the next call returns at once.
async fn appended(changes: &mut watch::Receiver<()>) {
    if changes.changed().await.is_err() {
        // The log is gone, and nothing is appended any more.
        pending().await
    }
}
