//! The event log: one trait with two implementations, Kafka and Postgres.
//!
//! The log is the source of truth for what has to be delivered. Redis carries frames, and may lose them.

pub mod kafka;
pub mod postgres;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::error;
use uuid::Uuid;

use crate::config::LogSettings;
use crate::groups::Group;
use crate::health::Health;
use crate::metrics::Metrics;
use crate::postgres::Session;

/// Number of deliveries that a consumer may be ahead of its dispatch.
const DELIVERIES: usize = 2;
/// Bytes of events after which a claim ends, so that many large events neither fill the memory nor exceed the deadline of a
/// statement.
const CLAIM_BYTES: i64 = 4 * 1024 * 1024;
/// Bytes of events after which a consumer ends a delivery; with the Postgres log, of each partition.
const DELIVERY_BYTES: usize = 1024 * 1024;

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

impl Consumer {
    /// The consumer of a group without topics. It delivers nothing, and stops with `stop`.
    pub fn of_nothing(stop: CancellationToken) -> Self {
        let (deliver, deliveries) = mpsc::channel(1);
        tokio::spawn(async move {
            stop.cancelled().await;
            drop(deliver);
        });
        Self {
            deliveries,
            marks: mpsc::unbounded_channel().0,
            pause: Pause::default(),
        }
    }
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

impl Reading {
    /// The name under which the reader reports to [`Health`].
    fn health_part(&self) -> String {
        format!("dispatch/{}/log", self.group.name)
    }

    /// Partitions were assigned to this bridge, or revoked from it.
    fn count_rebalance(&self) {
        let rebalances = &self.metrics.rebalances;
        rebalances.with_label_values(&[self.group.name]).inc();
    }

    /// Reports that the log no longer has some records that the group has not settled: it reads on at offset `start`,
    /// although it had settled only those below `next`.
    fn report_missed(&self, partition: &Partition, next: i64, start: i64) {
        let missed = start.saturating_sub(next).max(0).unsigned_abs();
        error!(
            group = self.group.name,
            topic = &*partition.topic,
            partition = partition.number,
            missed,
            settled_below = next,
            log_starts_at = start,
            "the group missed records: retention removed them before its agents had processed them"
        );
        self.metrics
            .missed
            .with_label_values(&[self.group.name, &*partition.topic])
            .inc_by(missed);
    }
}

/// Which outbox rows to move.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    pub shards: &'a [i16],
    /// Names of the topics whose rows are claimed. Rows of other topics wait in the outbox.
    pub topics: &'a [String],
    /// Users whose rows are not claimed.
    pub held_users: &'a [Uuid],
    pub rows: Rows,
}

/// The range of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// Up to `limit` rows with an id of at least `first`, in order of id.
    From { first: i64, limit: i32 },
    /// The row with this id.
    Only(i64),
}

/// What a claim moved.
#[derive(Debug, Default)]
pub struct Moved {
    /// Number of rows that left the outbox.
    pub rows: usize,
    /// True if the claim ended at one of its limits, so that there may be more rows.
    pub cut_off: bool,
    /// Id of the last row that was claimed.
    pub last: Option<i64>,
    /// What the log refused. All other rows that were claimed have left the outbox, unless they follow a refused one.
    pub refused: Vec<Refusal>,
}

/// A row that the log refused for a reason that lies in the row or its topic, so that sending it again is of no use by
/// itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub row: i64,
    pub topic: String,
    pub at_fault: Fault,
    /// True if nothing else was sent together with the row, so that no other row can be the cause.
    pub alone: bool,
    pub error: String,
}

/// What a refusal is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The row itself, of this user, such as an event that is too large.
    Row(Uuid),
    /// Every row of this topic: it is missing, or this bridge may not write to it.
    Topic(String),
}

/// The log acknowledged nothing for [`ACKNOWLEDGE_WITHIN`], although events were sent.
#[derive(Debug, Error)]
#[error("the log has acknowledged nothing for {} s", ACKNOWLEDGE_WITHIN.as_secs())]
pub struct NoAcknowledgement;

/// Time without an acknowledgement after which a bridge counts as cut off from the log.
pub const ACKNOWLEDGE_WITHIN: Duration = Duration::from_secs(5);

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

    /// Moves outbox rows into the log, in order of id.
    ///
    /// `session` must hold the leases of the shards. A row leaves the outbox only once the log has acknowledged its
    /// event. When this fails or is cancelled, what was not sent yet is never sent: another bridge may have the shards
    /// by then, and an old event must not follow its newer ones. Fails with [`NoAcknowledgement`] if this bridge seems
    /// to be cut off from the log.
    async fn drain(&self, session: &Session, claim: Claim<'_>) -> anyhow::Result<Moved>;

    /// Appends one entry; returns once the log has acknowledged it.
    async fn append(&self, topic: &str, entry: &Entry) -> anyhow::Result<()>;

    /// Starts a consumer for a group.
    fn consume(&self, reading: Reading) -> Consumer;

    /// Number of records that a group has not settled yet, for each of its partitions.
    async fn lag(&self, group: &Group) -> anyhow::Result<Vec<(Partition, i64)>>;

    /// The offsets of the oldest record and after the newest, for each partition of these topics.
    async fn extents(&self, topics: &[String]) -> anyhow::Result<Vec<(Partition, Range<i64>)>>;

    /// Every record of a topic, oldest first, for operators and tests.
    async fn scan(&self, topic: &str) -> anyhow::Result<Vec<Record>>;

    /// Checks that the log can be reached.
    async fn ready(&self) -> anyhow::Result<()>;
}

/// Opens the log that the settings name: Kafka if `kafka_brokers` is set, otherwise Postgres.
///
/// # Errors
/// When the settings are not valid. An unreachable log is no error here.
pub fn open(settings: &LogSettings) -> anyhow::Result<Arc<dyn Log>> {
    crate::postgres::check(&settings.database_url)?;
    Ok(match &settings.kafka_brokers {
        Some(brokers) => Arc::new(kafka::KafkaLog::open(brokers, settings)?),
        None => Arc::new(postgres::PostgresLog::open(settings)),
    })
}
