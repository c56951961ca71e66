//! The event log: one trait with two implementations, Kafka and Postgres.
//!
//! The log is the source of truth for what has to be delivered. Redis carries frames, and may lose them.

pub mod kafka;
pub mod postgres;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::config::LogSettings;
use crate::health::Health;
use crate::metrics::Metrics;
use crate::topics::Group;

/// Number of deliveries that a consumer may be ahead of its dispatch.
const DELIVERIES: usize = 4;

/// Header of a replayed event: the one group that processes it; other groups skip it.
pub const FOR_GROUP: &str = "spindle-for-group";

/// A partition of a topic. Records of a partition are ordered, and one bridge at a time reads it for a group.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Partition {
    pub topic: Arc<str>,
    pub number: i32,
}

/// Headers of a record, by name. All names begin with `spindle-`.
pub type Headers = BTreeMap<String, String>;

/// An event to append to the log.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The event's user; determines the partition.
    pub user: Uuid,
    pub event_id: Uuid,
    /// The event as CloudEvents JSON.
    pub event: Bytes,
    pub headers: Headers,
}

/// An entry as it was read from the log.
#[derive(Clone, Debug)]
pub struct Record {
    pub partition: Partition,
    pub offset: i64,
    pub appended_at: SystemTime,
    pub entry: Entry,
}

/// A partition's low-water mark: every record with an offset below `next` is settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    pub partition: Partition,
    pub next: i64,
}

/// What a consumer delivers to its group's dispatch, in order.
#[derive(Debug)]
pub enum Delivery {
    /// This consumer reads these partitions from now on.
    Assigned(Vec<Partition>),
    /// Records of assigned partitions, in order of offset within each partition.
    Records(Vec<Record>),
    /// This consumer no longer reads these partitions.
    Revoked {
        partitions: Vec<Partition>,
        /// Present where the consumer waits: dispatch sends its last marks, then signals here that nothing of these
        /// partitions is in flight. Absent where the partitions are lost already.
        settled: Option<oneshot::Sender<()>>,
    },
}

/// The consumer of a group in this process, as its dispatch sees it.
pub struct Consumer {
    /// Closed once the consumer has stopped.
    pub deliveries: mpsc::Receiver<Delivery>,
    /// Takes the marks to commit.
    pub marks: mpsc::UnboundedSender<Vec<Mark>>,
    pub pause: Pause,
}

/// What the consumer reads no records of: everything, as backpressure, or some partitions. Clones share the same state.
#[derive(Clone, Debug, Default)]
pub struct Pause(Arc<PauseState>);

#[derive(Debug, Default)]
struct PauseState {
    all: AtomicBool,
    partitions: Mutex<Arc<BTreeSet<Partition>>>,
}

impl Pause {
    pub fn set(&self, paused: bool) {
        self.0.all.store(paused, Ordering::Relaxed);
    }

    pub fn is_set(&self) -> bool {
        self.0.all.load(Ordering::Relaxed)
    }

    pub fn set_partitions(&self, paused: BTreeSet<Partition>) {
        let mut partitions = self.lock();
        if **partitions != paused {
            *partitions = Arc::new(paused);
        }
    }

    pub fn partitions(&self) -> Arc<BTreeSet<Partition>> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Arc<BTreeSet<Partition>>> {
        let partitions = self.0.partitions.lock();
        partitions.unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a consumer needs.
pub struct Reading {
    /// Id of this bridge, by which bridges share the partitions.
    pub bridge: Uuid,
    pub group: &'static Group,
    pub stop: CancellationToken,
    /// Time that events in flight have to settle once `stop` is cancelled.
    pub stop_within: Duration,
    pub metrics: Metrics,
    pub health: Health,
}

/// A topic as it exists in the log.
#[derive(Debug, PartialEq, Eq)]
pub struct TopicState {
    pub name: String,
    pub partitions: i32,
    /// Records ever appended, over all partitions.
    pub records: i64,
}

/// An event log.
///
/// Every method fails when the log or Postgres cannot be reached. `tests/bridge/log.rs` tests both implementations with
/// the same suite.
#[async_trait]
pub trait Log: Send + Sync + 'static {
    /// `kafka` or `postgres`.
    fn name(&self) -> &'static str;

    /// Creates missing topics.
    async fn create_topics(&self) -> anyhow::Result<()>;

    /// The topics of the log, sorted by name.
    async fn topics(&self) -> anyhow::Result<Vec<TopicState>>;

    /// Moves up to `limit` outbox rows of these shards into the log, in order of id, and returns how many it moved.
    ///
    /// `session` must hold the leases of the shards. A row leaves the outbox only once the log has acknowledged its
    /// event.
    async fn drain(&self, session: &Client, shards: &[i16], limit: i32) -> anyhow::Result<usize>;

    /// Appends one entry; returns once the log has acknowledged it.
    async fn append(&self, topic: &str, entry: &Entry) -> anyhow::Result<()>;

    /// Starts a consumer for a group.
    fn consume(&self, reading: Reading) -> Consumer;

    /// Number of records that a group has not settled yet, for each of its partitions.
    async fn lag(&self, group: &Group) -> anyhow::Result<Vec<(Partition, i64)>>;

    /// Every record of a topic, oldest first, for operators and tests.
    async fn scan(&self, topic: &str) -> anyhow::Result<Vec<Record>>;

    /// Checks that the log can be reached.
    async fn ready(&self) -> anyhow::Result<()>;
}

/// Opens the log that the settings name: Kafka if `kafka_brokers` is set, otherwise Postgres.
///
/// # Errors
/// When the settings for Kafka are not valid. An unreachable log is no error here.
pub fn open(settings: &LogSettings) -> anyhow::Result<Arc<dyn Log>> {
    Ok(match &settings.kafka_brokers {
        Some(brokers) => Arc::new(kafka::KafkaLog::open(brokers, settings)?),
        None => Arc::new(postgres::PostgresLog::open(settings)),
    })
}
