//! A test consumer: reads records, asserts that no offset is skipped, and settles records on request.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use bridge::groups::{Group, USUAL};
use bridge::health::Health;
use bridge::log::{Consumer, Delivery, Log, Mark, Partition, Reading, Record};
use bridge::metrics::Metrics;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::{LogFixture, TIMEOUT};

pub static GROUP_READ: Group = Group {
    name: "readers",
    topics: &["task-events", "reminders"],
    ..USUAL
};

/// The consumer of one process in the group [`GROUP_READ`].
pub struct Reader {
    consumer: Consumer,
    stop: CancellationToken,
    pub held: BTreeSet<Partition>,
    pub metrics: Metrics,
    pub health: Health,
    next: BTreeMap<Partition, i64>,
}

impl Reader {
    pub fn start(fixture: &LogFixture) -> Self {
        Self::start_on(&*fixture.log)
    }

    pub fn start_on(log: &dyn Log) -> Self {
        Self::of(&GROUP_READ, log)
    }

    /// The consumer of one process in this group.
    pub fn of(group: &'static Group, log: &dyn Log) -> Self {
        let (stop, metrics) = (CancellationToken::new(), Metrics::new().unwrap());
        let health = Health::default();
        let consumer = log.consume(Reading {
            bridge: Uuid::new_v4(),
            group,
            stop: stop.clone(),
            stop_within: Duration::from_secs(5),
            metrics: metrics.clone(),
            health: health.clone(),
        });
        Self {
            consumer,
            stop,
            held: BTreeSet::new(),
            metrics,
            health,
            next: BTreeMap::new(),
        }
    }

    /// Handles the next delivery, if one arrives within `limit`; revoked partitions are released at once.
    pub async fn step(&mut self, limit: Duration) -> Vec<Record> {
        match timeout(limit, self.consumer.deliveries.recv()).await {
            Err(_) | Ok(None) => {}
            Ok(Some(Delivery::Assigned(partitions))) => self.held.extend(partitions),
            Ok(Some(Delivery::Revoked {
                partitions,
                settled,
            })) => {
                self.held.retain(|held| !partitions.contains(held));
                for partition in &partitions {
                    self.next.remove(partition);
                }
                settled.map(|settled| settled.send(()));
            }
            Ok(Some(Delivery::Records(records))) => {
                for record in &records {
                    let before = self
                        .next
                        .insert(record.partition.clone(), record.offset + 1);
                    assert!(
                        before.is_none_or(|next| next == record.offset),
                        "a gap before {record:?}"
                    );
                }
                return records;
            }
        }
        Vec::new()
    }

    /// Reads until it has `count` records.
    pub async fn read(&mut self, count: usize) -> Vec<Record> {
        let (mut records, until) = (Vec::new(), Instant::now() + TIMEOUT);
        while records.len() < count {
            assert!(
                Instant::now() < until,
                "only {} of {count} records arrived",
                records.len()
            );
            records.extend(self.step(Duration::from_millis(100)).await);
        }
        records
    }

    /// Moves the marks of the records' partitions past these records.
    pub fn settle(&self, records: &[Record]) {
        let marks = records.iter().map(|r| Mark {
            partition: r.partition.clone(),
            next: r.offset + 1,
        });
        self.consumer.marks.send(marks.collect()).unwrap();
    }

    /// Stops as a bridge does on SIGTERM: the revoked partitions are released at once.
    pub async fn stop(mut self) {
        self.stop.cancel();
        let until = Instant::now() + TIMEOUT;
        while let Some(delivery) = timeout(TIMEOUT, self.consumer.deliveries.recv())
            .await
            .expect("the consumer did not stop")
        {
            assert!(Instant::now() < until);
            if let Delivery::Revoked {
                settled: Some(settled),
                ..
            } = delivery
            {
                settled.send(()).unwrap();
            }
        }
    }
}

/// The event ids of each user, in the order of `records`.
pub fn by_user(records: &[Record]) -> HashMap<Uuid, Vec<Uuid>> {
    let mut by_user: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
    for record in records {
        by_user
            .entry(record.entry.user)
            .or_default()
            .push(record.entry.event_id);
    }
    by_user
}
