//! The event log in Kafka.

mod access;
mod admin;
mod offsets;
mod producer;
mod reader;
mod reports;

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use async_trait::async_trait;
use bytes::Bytes;
use rdkafka::ClientConfig;
use rdkafka::message::{BorrowedMessage, Headers as _, Message};
use tokio::sync::mpsc;
use uuid::Uuid;

use self::admin::Observers;
use self::producer::Producer;
use super::{
    Claim, Consumer, DELIVERIES, Entry, Headers, Log, Moved, Partition, Pause, Reading, Record,
    TopicState,
};
use crate::config::LogSettings;
use crate::groups::Group;
use crate::postgres::Session;

/// Time limit of a request to the brokers.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(4);
/// Header with the event's id, so that a reader need not parse the event.
const EVENT_ID: &str = "id";

/// The event log in Kafka.
pub struct KafkaLog {
    cluster: Cluster,
    partitions: i32,
    replicas: i32,
    /// Sends outbox rows. It is replaced whenever a batch fails, so single entries have a producer of their own.
    relay: Producer,
    /// Sends single entries.
    entries: Producer,
    /// Measures lag and extents.
    observers: Observers,
}

/// How to reach the brokers, and how topics and groups are named there.
#[derive(Clone)]
struct Cluster {
    /// Settings common to all clients.
    config: ClientConfig,
    /// Prefix of every topic and group, of the setting `KAFKA_PREFIX`.
    prefix: String,
}

impl Cluster {
    /// Name of a topic in Kafka.
    fn topic(&self, topic: &str) -> String {
        format!("{}{topic}", self.prefix)
    }

    /// Name of a group in Kafka.
    fn group(&self, group: &str) -> String {
        format!("{}spindle.{group}", self.prefix)
    }

    /// The partition of a topic that is given by its name in Kafka.
    fn partition(&self, topic: &str, number: i32) -> Partition {
        Partition {
            topic: topic.strip_prefix(&self.prefix).unwrap_or(topic).into(),
            number,
        }
    }
}

impl KafkaLog {
    /// Creates the producers, which connect in the background.
    ///
    /// # Errors
    /// When librdkafka refuses the settings.
    pub fn open(brokers: &str, settings: &LogSettings) -> anyhow::Result<Self> {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", brokers)
            .set("client.id", "spindle-bridge")
            // A broker that vanished without a word is noticed by a request that it does not answer, or else by the
            // kernel's probes.
            .set("socket.keepalive.enable", "true")
            .set("socket.timeout.ms", "6000")
            .set("socket.connection.setup.timeout.ms", "5000")
            .set("reconnect.backoff.max.ms", "2000");
        access::configure(&mut config, &settings.kafka_access)?;
        let cluster = Cluster {
            config,
            prefix: settings.kafka_prefix.clone(),
        };
        let cannot = "KAFKA_BROKERS: cannot create a producer";
        let relay = Producer::for_relay(&cluster).context(cannot)?;
        let entries = Producer::for_entries(&cluster).context(cannot)?;
        Ok(Self {
            cluster,
            partitions: settings.topic_partitions,
            replicas: settings.topic_replicas,
            relay,
            entries,
            observers: Observers::default(),
        })
    }
}

#[async_trait]
impl Log for KafkaLog {
    fn name(&self) -> &'static str {
        "kafka"
    }

    async fn create_topics(&self) -> anyhow::Result<()> {
        admin::create_topics(&self.cluster, self.partitions, self.replicas).await
    }

    async fn topics(&self) -> anyhow::Result<Vec<TopicState>> {
        let cluster = self.cluster.clone();
        tokio::task::spawn_blocking(move || admin::topics(&cluster)).await?
    }

    async fn drain(&self, session: &Session, claim: Claim<'_>) -> anyhow::Result<Moved> {
        self.relay.drain(session, claim).await
    }

    async fn append(&self, topic: &str, entry: &Entry) -> anyhow::Result<()> {
        self.entries.append(topic, entry).await
    }

    fn consume(&self, reading: Reading) -> Consumer {
        let (deliver, deliveries) = mpsc::channel(DELIVERIES);
        let (marks, received_marks) = mpsc::unbounded_channel();
        let pause = Pause::default();
        let reader = reader::Reader::new(
            self.cluster.clone(),
            reading,
            deliver,
            received_marks,
            pause.clone(),
        );
        // A thread of its own, because librdkafka's rebalance callback blocks until dispatch has released the
        // partitions.
        std::thread::spawn(move || reader.run());
        Consumer {
            deliveries,
            marks,
            pause,
        }
    }

    async fn lag(&self, group: &Group) -> anyhow::Result<Vec<(Partition, i64)>> {
        let (observers, cluster, group) = (self.observers.clone(), self.cluster.clone(), *group);
        tokio::task::spawn_blocking(move || observers.lag(&cluster, &group)).await?
    }

    async fn extents(&self, topics: &[String]) -> anyhow::Result<Vec<(Partition, Range<i64>)>> {
        let (observers, cluster) = (self.observers.clone(), self.cluster.clone());
        let topics = topics.to_vec();
        tokio::task::spawn_blocking(move || observers.extents(&cluster, &topics)).await?
    }

    async fn scan(&self, topic: &str) -> anyhow::Result<Vec<Record>> {
        let (cluster, topic) = (self.cluster.clone(), topic.to_owned());
        tokio::task::spawn_blocking(move || admin::scan(&cluster, &topic)).await?
    }

    async fn ready(&self) -> anyhow::Result<()> {
        self.relay.ready().await
    }
}

/// Reads a message as a record. A user or event id that is missing or not a UUID becomes the nil UUID: the record is
/// delivered anyway, so that it becomes a dead letter instead of blocking its partition.
fn record_of(message: &BorrowedMessage<'_>, topic: Arc<str>) -> Record {
    let text = |bytes: Option<&[u8]>| {
        std::str::from_utf8(bytes.unwrap_or_default())
            .unwrap_or_default()
            .to_owned()
    };
    let uuid =
        |bytes: Option<&[u8]>| Uuid::try_parse_ascii(bytes.unwrap_or_default()).unwrap_or_default();
    let mut headers = Headers::new();
    let mut event_id = Uuid::nil();
    for header in message
        .headers()
        .into_iter()
        .flat_map(|headers| headers.iter())
    {
        if header.key == EVENT_ID {
            event_id = uuid(header.value);
        } else if header.key.starts_with("spindle-") {
            headers.insert(header.key.to_owned(), text(header.value));
        }
    }
    let entry = Entry {
        user: uuid(message.key()),
        event_id,
        event: Bytes::copy_from_slice(message.payload().unwrap_or_default()),
        headers,
    };
    let millis = message
        .timestamp()
        .to_millis()
        .and_then(|millis| u64::try_from(millis).ok())
        .unwrap_or_default();
    Record {
        partition: Partition {
            topic,
            number: message.partition(),
        },
        offset: message.offset(),
        appended_at: SystemTime::UNIX_EPOCH + Duration::from_millis(millis),
        entry,
    }
}
