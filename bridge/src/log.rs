//! The event log: one trait, two logs. What is in the log is the truth; Redis is only the doorbell.

pub mod kafka;
pub mod postgres;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
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

/// Set on a replayed event: groups other than the named one skip it.
pub const FOR_GROUP: &str = "spindle-for-group";

/// A topic's partition: the unit of order and of sharing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Partition {
    pub topic: Arc<str>,
    pub number: i32,
}

/// Names and values that ride beside an event; all of them begin with `spindle-`.
pub type Headers = BTreeMap<String, String>;

/// What is put into the log.
#[derive(Clone, Debug)]
pub struct Entry {
    pub user: Uuid,
    pub event_id: Uuid,
    pub event: Bytes,
    pub headers: Headers,
}

/// What is read from the log.
#[derive(Clone, Debug)]
pub struct Record {
    pub partition: Partition,
    pub offset: i64,
    pub appended_at: SystemTime,
    pub entry: Entry,
}

/// Everything before `next` in the partition has been settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    pub partition: Partition,
    pub next: i64,
}

/// What a consumer tells its reader, in order.
#[derive(Debug)]
pub enum Delivery {
    Assigned(Vec<Partition>),
    Records(Vec<Record>),
    /// The partitions go to someone else. Whoever waits on `settled` lets the reader finish what is in flight.
    Revoked {
        partitions: Vec<Partition>,
        settled: Option<oneshot::Sender<()>>,
    },
}

/// A group's reader of the log in this process.
pub struct Consumer {
    /// Ends when the consumer has stopped.
    pub deliveries: mpsc::Receiver<Delivery>,
    pub marks: mpsc::UnboundedSender<Vec<Mark>>,
    pub pause: Pause,
}

/// Raised by a reader that has enough for now.
#[derive(Clone, Debug, Default)]
pub struct Pause(Arc<AtomicBool>);

impl Pause {
    pub fn set(&self, paused: bool) {
        self.0.store(paused, Ordering::Relaxed);
    }

    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// How a group reads.
pub struct Reading {
    pub bridge: Uuid,
    pub group: &'static Group,
    pub stop: CancellationToken,
    pub stop_within: Duration,
    pub metrics: Metrics,
    pub health: Health,
}

/// A topic as the log has it.
#[derive(Debug, PartialEq, Eq)]
pub struct TopicState {
    pub name: String,
    pub partitions: i32,
    pub records: i64,
}

/// Both logs behave alike behind this, which the suite in `tests/log/` shows.
#[async_trait]
pub trait Log: Send + Sync + 'static {
    fn name(&self) -> &'static str;

    /// Creates the topics that are missing.
    async fn create_topics(&self) -> anyhow::Result<()>;

    async fn topics(&self) -> anyhow::Result<Vec<TopicState>>;

    /// Moves up to `most` outbox rows of these shards into the log, in order of id, and says how many. `session` holds
    /// the leases of the shards. Rows leave the outbox only once the log has them.
    async fn drain(&self, session: &Client, shards: &[i16], most: i32) -> anyhow::Result<usize>;

    /// Returns once the log has the entry.
    async fn append(&self, topic: &str, entry: &Entry) -> anyhow::Result<()>;

    /// Starts reading for a group.
    fn consume(&self, reading: Reading) -> Consumer;

    /// How many records a group has yet to settle, for each of its partitions.
    async fn lag(&self, group: &Group) -> anyhow::Result<Vec<(Partition, i64)>>;

    /// Every record of a topic, oldest first: for people and tests.
    async fn scan(&self, topic: &str) -> anyhow::Result<Vec<Record>>;

    /// Fails while the log cannot be reached.
    async fn ready(&self) -> anyhow::Result<()>;
}

/// The log that the settings name.
pub fn open(settings: &LogSettings) -> anyhow::Result<Arc<dyn Log>> {
    Ok(match &settings.kafka_brokers {
        Some(brokers) => Arc::new(kafka::KafkaLog::open(brokers, settings)?),
        None => Arc::new(postgres::PostgresLog::open(settings)),
    })
}
