//! A reader's database session: the partitions that it leases, the offsets to fetch next, and the marks to commit.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::Context;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::record_of;
use crate::config::Secret;
use crate::groups::{Group, Start};
use crate::leases::Leases;
use crate::log::{DELIVERY_BYTES, Mark, Partition, Reading, Record};
use crate::postgres;

/// Maximum number of records of one partition in one fetch.
const FETCH_LIMIT: i64 = 500;
/// Settings of the session. Commits are asynchronous: the effects of settled events are durable already, and a lost
/// commit of offsets only makes events repeat.
const SETTINGS: &str = "set synchronous_commit = off; set enable_seqscan = off; set plan_cache_mode = force_generic_plan";

/// The session, and everything that is lost with it.
pub(super) struct Session {
    group: &'static str,
    pub leases: Leases,
    /// The partitions of the group's topics, by the name of their lease. One lease is for partition n of all topics, so that
    /// one user's events are in one place.
    partitions: BTreeMap<String, Vec<Partition>>,
    /// Offset to fetch next, for each partition held.
    pub next: BTreeMap<Partition, i64>,
    /// Partitions that are not fetched.
    pub paused: Arc<BTreeSet<Partition>>,
    /// Marks that are not committed yet.
    uncommitted: BTreeMap<Partition, i64>,
}

impl Session {
    /// Opens the session. It holds no lease yet.
    pub async fn open(url: &Secret, bridge: Uuid, group: &'static Group) -> anyhow::Result<Self> {
        let mut partitions: BTreeMap<String, Vec<Partition>> = BTreeMap::new();
        for partition in partitions_of(url, group.topics).await? {
            let lease = format!("{}/{}", group.name, partition.number);
            partitions.entry(lease).or_default().push(partition);
        }
        let names = partitions.keys().cloned().collect();
        let class = format!("group {}", group.name);
        let leases = Leases::open(url, bridge, &class, names).await?;
        leases.session().batch_execute(SETTINGS).await?;
        Ok(Self {
            group: group.name,
            leases,
            partitions,
            next: BTreeMap::new(),
            paused: Arc::default(),
            uncommitted: BTreeMap::new(),
        })
    }

    /// The partitions that these leases stand for.
    pub fn partitions(&self, leases: &[String]) -> Vec<Partition> {
        let partitions = leases.iter().filter_map(|name| self.partitions.get(name));
        partitions.flatten().cloned().collect()
    }

    /// Makes the next fetch of these partitions start at the group's committed offsets. Reports records that were removed
    /// before the group had settled them.
    pub async fn start_at_committed(
        &mut self,
        partitions: &[Partition],
        reading: &Reading,
    ) -> anyhow::Result<()> {
        let topics: Vec<&str> = partitions.iter().map(|p| &*p.topic).collect();
        let numbers: Vec<i32> = partitions.iter().map(|p| p.number).collect();
        let now = reading.group.start == Start::Now;
        let parameters: [&(dyn ToSql + Sync); 4] = [&self.group, &topics, &numbers, &now];
        let rows = self
            .leases
            .session()
            .query(include_str!("begin.sql"), &parameters)
            .await?;
        for row in rows {
            let (topic, number): (&str, i32) = (row.get(0), row.get(1));
            let (start, next): (i64, i64) = (row.get(2), row.get(3));
            let Some(partition) = partitions
                .iter()
                .find(|p| &*p.topic == topic && p.number == number)
            else {
                continue;
            };
            if next < start {
                reading.report_missed(partition, next, start);
                // Nothing below can be settled any more.
                self.note_marks(vec![Mark {
                    partition: partition.clone(),
                    next: start,
                }]);
            }
            self.next.insert(partition.clone(), next.max(start));
        }
        Ok(())
    }

    /// Fetches the next records of all partitions held that are not paused.
    pub async fn fetch(&mut self, reading: &Reading) -> anyhow::Result<Vec<Record>> {
        let paused = &self.paused;
        let next = self.next.iter();
        let (topics, numbers, offsets) =
            columns(next.filter(|(partition, _)| !paused.contains(partition)));
        if topics.is_empty() {
            return Ok(Vec::new());
        }
        let bytes = i64::try_from(DELIVERY_BYTES)?;
        let parameters: [&(dyn ToSql + Sync); 5] =
            [&topics, &numbers, &offsets, &FETCH_LIMIT, &bytes];
        let rows = self
            .leases
            .session()
            .query(include_str!("fetch.sql"), &parameters)
            .await
            .context("fetching records")?;
        let mut records = Vec::with_capacity(rows.len());
        for row in &rows {
            let (topic, number): (&str, i32) = (row.try_get(0)?, row.try_get(1)?);
            let found = self
                .next
                .iter_mut()
                .find(|(p, _)| &*p.topic == topic && p.number == number);
            let (partition, next) =
                found.context("a record of a partition that was not requested")?;
            let record = record_of(row, partition.topic.clone())?;
            if record.offset > *next {
                reading.report_missed(partition, *next, record.offset);
            }
            *next = record.offset + 1;
            records.push(record);
        }
        Ok(records)
    }

    /// Keeps marks for the next commit.
    pub fn note_marks(&mut self, marks: Vec<Mark>) {
        for mark in marks {
            let next = self.uncommitted.entry(mark.partition).or_default();
            *next = mark.next.max(*next);
        }
    }

    /// True if there are marks to commit.
    pub fn has_marks(&self) -> bool {
        !self.uncommitted.is_empty()
    }

    /// Commits the marks that were noted since the last time.
    pub async fn commit(&mut self) -> anyhow::Result<()> {
        if !self.has_marks() {
            return Ok(());
        }
        let (topics, numbers, offsets) = columns(self.uncommitted.iter());
        let parameters: [&(dyn ToSql + Sync); 4] = [&self.group, &topics, &numbers, &offsets];
        self.leases
            .session()
            .execute(include_str!("commit.sql"), &parameters)
            .await
            .context("committing offsets")?;
        self.uncommitted.clear();
        Ok(())
    }
}

/// Topics, partition numbers and offsets as arrays of equal length, as statements take them.
fn columns<'a>(
    offsets: impl Iterator<Item = (&'a Partition, &'a i64)>,
) -> (Vec<&'a str>, Vec<i32>, Vec<i64>) {
    let (mut topics, mut numbers, mut next) = (Vec::new(), Vec::new(), Vec::new());
    for (partition, offset) in offsets {
        topics.push(&*partition.topic);
        numbers.push(partition.number);
        next.push(*offset);
    }
    (topics, numbers, next)
}

/// The partitions of these topics that exist in the log.
async fn partitions_of(url: &Secret, topics: &[&str]) -> anyhow::Result<Vec<Partition>> {
    let client = postgres::Session::open(url, "bridge log").await?;
    let rows = client
        .query(include_str!("partitions.sql"), &[&topics])
        .await
        .context("reading the partitions of the topics")?;
    let named = topics
        .iter()
        .map(|topic| (*topic, Arc::<str>::from(*topic)))
        .collect::<BTreeMap<_, _>>();
    let partition = |row: &Row| {
        Some(Partition {
            topic: named.get(row.get::<_, &str>(0))?.clone(),
            number: row.get(1),
        })
    };
    let partitions: Vec<Partition> = rows.iter().filter_map(partition).collect();
    anyhow::ensure!(
        !partitions.is_empty(),
        "the log has none of the topics of the group yet"
    );
    Ok(partitions)
}
