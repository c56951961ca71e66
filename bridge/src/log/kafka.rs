//! The log in Kafka.

mod admin;
mod producer;
mod reader;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use async_trait::async_trait;
use bytes::Bytes;
use rdkafka::ClientConfig;
use rdkafka::message::{BorrowedMessage, Headers as _, Message};
use tokio::sync::mpsc;
use tokio_postgres::Client;
use uuid::Uuid;

use self::producer::Producer;
use super::{Consumer, Entry, Headers, Log, Partition, Pause, Reading, Record, TopicState};
use crate::config::LogSettings;
use crate::topics::Group;

/// For what is asked of the brokers and must not hang.
const PATIENCE: Duration = Duration::from_secs(4);
const EVENT_ID: &str = "id";

/// The log in Kafka.
pub struct KafkaLog {
    cluster: Cluster,
    partitions: i32,
    replicas: i32,
    producer: Producer,
}

/// How the brokers are reached, and what our topics and groups are called there.
#[derive(Clone)]
struct Cluster {
    config: ClientConfig,
    prefix: String,
}

impl Cluster {
    fn topic(&self, topic: &str) -> String {
        format!("{}{topic}", self.prefix)
    }

    fn group(&self, group: &str) -> String {
        format!("{}spindle.{group}", self.prefix)
    }

    /// A partition as the rest of the bridge knows it.
    fn partition(&self, topic: &str, number: i32) -> Partition {
        Partition {
            topic: topic.strip_prefix(&self.prefix).unwrap_or(topic).into(),
            number,
        }
    }
}

impl KafkaLog {
    pub fn open(brokers: &str, settings: &LogSettings) -> anyhow::Result<Self> {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", brokers)
            .set("client.id", "spindle-bridge")
            .set("socket.keepalive.enable", "true")
            .set("reconnect.backoff.max.ms", "2000");
        let cluster = Cluster {
            config,
            prefix: settings.kafka_prefix.clone(),
        };
        let producer = Producer::open(&cluster).context("KAFKA_BROKERS")?;
        Ok(Self {
            cluster,
            partitions: settings.topic_partitions,
            replicas: settings.topic_replicas,
            producer,
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

    async fn drain(&self, session: &Client, shards: &[i16], most: i32) -> anyhow::Result<usize> {
        self.producer.drain(session, shards, most).await
    }

    async fn append(&self, topic: &str, entry: &Entry) -> anyhow::Result<()> {
        self.producer.append(topic, entry).await
    }

    fn consume(&self, reading: Reading) -> Consumer {
        let (deliver, deliveries) = mpsc::channel(4);
        let (marks, marked) = mpsc::unbounded_channel();
        let pause = Pause::default();
        let reader = reader::Reader::new(
            self.cluster.clone(),
            reading,
            deliver,
            marked,
            pause.clone(),
        );
        // librdkafka is asked by a thread of its own: its callbacks may block until a partition has been handed over.
        std::thread::spawn(move || reader.run());
        Consumer {
            deliveries,
            marks,
            pause,
        }
    }

    async fn lag(&self, group: &Group) -> anyhow::Result<Vec<(Partition, i64)>> {
        let (cluster, name, topics) = (self.cluster.clone(), group.name, group.topics);
        tokio::task::spawn_blocking(move || admin::lag(&cluster, name, topics)).await?
    }

    async fn scan(&self, topic: &str) -> anyhow::Result<Vec<Record>> {
        let (cluster, topic) = (self.cluster.clone(), topic.to_owned());
        tokio::task::spawn_blocking(move || admin::scan(&cluster, &topic)).await?
    }

    async fn ready(&self) -> anyhow::Result<()> {
        self.producer.ready().await
    }
}

/// A message as a record; whatever is not as the relay writes it becomes nil, for a person to see as a dead letter.
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
