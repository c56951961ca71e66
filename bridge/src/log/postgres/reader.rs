//! A group's reader of the Postgres log: leases on partitions, positions, and the records from there on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use tokio_postgres::Statement;
use tracing::{info, warn};

use super::record_of;
use crate::config::Secret;
use crate::leases::{BEAT, Leases};
use crate::log::{Delivery, Mark, Partition, Pause, Reading};
use crate::policy;

/// Records of one partition in one fetch.
const FETCH: i64 = 500;
const IDLE: Duration = Duration::from_millis(8);
const COMMIT_EVERY: Duration = Duration::from_millis(100);
/// What a bridge that stays may take to hand a partition over.
const HAND_OVER: Duration = Duration::from_secs(5);
/// The effect of what is committed here is durable already, and a lost commit only repeats: not worth waiting for a disk.
const SESSION: &str = "set synchronous_commit = off; set enable_seqscan = off; set plan_cache_mode = force_generic_plan";

pub(super) struct Reader {
    pub url: Secret,
    pub moved: Arc<Notify>,
    pub pause: Pause,
    pub reading: Reading,
    pub deliver: mpsc::Sender<Delivery>,
    pub marked: mpsc::UnboundedReceiver<Vec<Mark>>,
}

/// What lives as long as one session does.
struct Session {
    leases: Leases,
    /// By the lease's name.
    partitions: BTreeMap<String, Partition>,
    next: BTreeMap<Partition, i64>,
    fetch: Statement,
    commit: Statement,
    unsaved: BTreeMap<Partition, i64>,
}

impl Reader {
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
                        "reading the log failed"
                    );
                    self.reading.health.down("log", format!("{error:#}"));
                    if let Some(lost) = session {
                        let partitions = lost.next.into_keys().collect();
                        let _ = self
                            .deliver
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

    /// Reads until told to stop; `session` outlives an error so that the caller can tell what was lost with it.
    async fn read(&mut self, session: &mut Option<Session>) -> anyhow::Result<()> {
        let opened = self.open().await?;
        let session = session.insert(opened);
        self.reading.health.up("log");
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut commit = interval(COMMIT_EVERY);
        commit.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut idle = false;
        loop {
            // Registered before the look, so that what is moved during it is not missed.
            let moved = self.moved.clone();
            let moved = moved.notified();
            let wait = if idle || self.pause.is_set() {
                IDLE
            } else {
                Duration::ZERO
            };
            tokio::select! {
                biased;
                () = self.reading.stop.cancelled() => return self.stop(session).await,
                Some(marks) = self.marked.recv() => session.note(marks),
                _ = commit.tick() => session.save(self.reading.group.name).await?,
                _ = beat.tick() => self.balance(session).await?,
                () = async { tokio::select! { () = moved => {}, () = sleep(wait) => {} } } => {
                    idle = self.pause.is_set() || self.fetch(session).await? == 0;
                }
            }
        }
    }

    async fn open(&self) -> anyhow::Result<Session> {
        let group = self.reading.group;
        let leases = postgres_partitions(&self.url, group.topics).await?;
        let partitions: BTreeMap<String, Partition> = leases
            .into_iter()
            .map(|partition| {
                (
                    format!("{}/{}/{}", group.name, partition.topic, partition.number),
                    partition,
                )
            })
            .collect();
        let names = partitions.keys().cloned().collect();
        let leases = Leases::open(
            &self.url,
            self.reading.bridge,
            &format!("group {}", group.name),
            names,
        )
        .await?;
        leases.session().batch_execute(SESSION).await?;
        let fetch = leases.session().prepare(include_str!("fetch.sql")).await?;
        let commit = leases.session().prepare(include_str!("commit.sql")).await?;
        Ok(Session {
            leases,
            partitions,
            next: BTreeMap::new(),
            fetch,
            commit,
            unsaved: BTreeMap::new(),
        })
    }

    async fn balance(&mut self, session: &mut Session) -> anyhow::Result<()> {
        let change = session.leases.beat().await?;
        if !change.excess.is_empty() {
            self.give_up(session, change.excess, HAND_OVER).await?;
        }
        if change.gained.is_empty() {
            return Ok(());
        }
        let gained: Vec<Partition> = change
            .gained
            .iter()
            .filter_map(|name| session.partitions.get(name).cloned())
            .collect();
        // A group that reads from the beginning says so at once: nothing it has yet to read may be dropped.
        let begin = gained.iter().map(|partition| Mark {
            partition: partition.clone(),
            next: 0,
        });
        session.note(begin.collect());
        session.save(self.reading.group.name).await?;
        let rows = session
            .leases
            .session()
            .query(include_str!("offsets.sql"), &[&self.reading.group.name])
            .await?;
        for row in rows {
            let (topic, number): (&str, i32) = (row.get(0), row.get(1));
            if let Some(partition) = gained
                .iter()
                .find(|p| &*p.topic == topic && p.number == number)
            {
                session.next.insert(partition.clone(), row.get(2));
            }
        }
        info!(group = self.reading.group.name, gained = ?change.gained, held = session.next.len(), "partitions gained");
        self.send(Delivery::Assigned(gained)).await
    }

    /// Lets the reader of these partitions settle what is in flight, saves where it got to, and releases them.
    async fn give_up(
        &mut self,
        session: &mut Session,
        names: Vec<String>,
        limit: Duration,
    ) -> anyhow::Result<()> {
        let partitions: Vec<Partition> = names
            .iter()
            .filter_map(|name| session.partitions.get(name).cloned())
            .collect();
        for partition in &partitions {
            session.next.remove(partition);
        }
        let (settled, mut done) = oneshot::channel();
        self.send(Delivery::Revoked {
            partitions,
            settled: Some(settled),
        })
        .await?;
        let until = Instant::now() + limit;
        while timeout(BEAT, &mut done).await.is_err() && Instant::now() < until {
            session.leases.session().simple_query("select 1").await?;
        }
        while let Ok(marks) = self.marked.try_recv() {
            session.note(marks);
        }
        session.save(self.reading.group.name).await?;
        info!(
            group = self.reading.group.name,
            ?names,
            "partitions given up"
        );
        session.leases.release(&names).await
    }

    async fn stop(&mut self, session: &mut Session) -> anyhow::Result<()> {
        let names: Vec<String> = session.leases.held().iter().cloned().collect();
        self.give_up(session, names, self.reading.stop_within)
            .await?;
        session.leases.leave().await
    }

    async fn fetch(&mut self, session: &mut Session) -> anyhow::Result<usize> {
        if session.next.is_empty() {
            return Ok(0);
        }
        let topics: Vec<&str> = session
            .next
            .keys()
            .map(|partition| &*partition.topic)
            .collect();
        let numbers: Vec<i32> = session
            .next
            .keys()
            .map(|partition| partition.number)
            .collect();
        let offsets: Vec<i64> = session.next.values().copied().collect();
        let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
            [&topics, &numbers, &offsets, &FETCH];
        let rows = session
            .leases
            .session()
            .query(&session.fetch, &parameters)
            .await
            .context("fetching")?;
        let mut records = Vec::with_capacity(rows.len());
        for row in &rows {
            let (topic, number): (&str, i32) = (row.try_get(0)?, row.try_get(1)?);
            let found = session
                .next
                .iter_mut()
                .find(|(p, _)| &*p.topic == topic && p.number == number);
            let (partition, next) =
                found.context("a record of a partition that was not asked for")?;
            let record = record_of(row, partition.topic.clone())?;
            *next = record.offset + 1;
            records.push(record);
        }
        let fetched = records.len();
        if fetched > 0 {
            self.send(Delivery::Records(records)).await?;
        }
        Ok(fetched)
    }

    async fn send(&self, delivery: Delivery) -> anyhow::Result<()> {
        self.deliver
            .send(delivery)
            .await
            .ok()
            .context("nobody takes deliveries")
    }
}

impl Session {
    fn note(&mut self, marks: Vec<Mark>) {
        for mark in marks {
            let next = self.unsaved.entry(mark.partition).or_default();
            *next = mark.next.max(*next);
        }
    }

    async fn save(&mut self, group: &str) -> anyhow::Result<()> {
        if self.unsaved.is_empty() {
            return Ok(());
        }
        let topics: Vec<&str> = self
            .unsaved
            .keys()
            .map(|partition| &*partition.topic)
            .collect();
        let numbers: Vec<i32> = self
            .unsaved
            .keys()
            .map(|partition| partition.number)
            .collect();
        let offsets: Vec<i64> = self.unsaved.values().copied().collect();
        let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
            [&group, &topics, &numbers, &offsets];
        self.leases
            .session()
            .execute(&self.commit, &parameters)
            .await
            .context("saving positions")?;
        self.unsaved.clear();
        Ok(())
    }
}

async fn postgres_partitions(url: &Secret, topics: &[&str]) -> anyhow::Result<Vec<Partition>> {
    let client = crate::postgres::connect(url, "bridge log").await?;
    let rows = client
        .query(include_str!("partitions.sql"), &[&topics])
        .await
        .context("finding partitions")?;
    let named = topics
        .iter()
        .map(|topic| (*topic, Arc::<str>::from(*topic)))
        .collect::<BTreeMap<_, _>>();
    let partition = |row: &tokio_postgres::Row| {
        Some(Partition {
            topic: named.get(row.get::<_, &str>(0))?.clone(),
            number: row.get(1),
        })
    };
    let partitions: Vec<Partition> = rows.iter().filter_map(partition).collect();
    anyhow::ensure!(!partitions.is_empty(), "the log has none of the topics yet");
    Ok(partitions)
}
