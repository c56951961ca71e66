//! Writes to Kafka with an idempotent producer, acknowledged by all in-sync replicas.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use anyhow::{Context, bail};
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use rdkafka::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{DeliveryFuture, FutureProducer, FutureRecord, Producer as _, PurgeConfig};
use serde::Deserialize;
use tokio::time::{Instant, timeout};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use tracing::{error, warn};
use uuid::Uuid;

use super::admin::MAX_MESSAGE_BYTES;
use super::{Cluster, EVENT_ID, REQUEST_TIMEOUT};
use crate::log::{
    ACKNOWLEDGE_WITHIN, Claim, Entry, Fault, Moved, NoAcknowledgement, Refusal, Rows,
};
use crate::postgres::Session;

/// Rows that were read longer ago are not sent. The leases protect them for 6 s, see [`crate::leases`]; a process that was
/// paused may have lost them.
const SEND_WITHIN: Duration = Duration::from_secs(4);

/// Maximum number of users and topics that a producer remembers.
const MAX_KNOWN: usize = 10_000;

/// A producer that is replaced after an error.
pub(super) struct Producer {
    config: ClientConfig,
    cluster: Cluster,
    current: RwLock<Arc<FutureProducer>>,
    /// Users and topics of which Kafka has acknowledged an event of the current producer.
    known: Mutex<Known>,
}

type Known = HashSet<(Uuid, String)>;

/// The event's attributes that become headers, for tools and traces. The rest of the event is not parsed.
#[derive(Default, Deserialize)]
struct Attributes<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    traceparent: Option<Cow<'a, str>>,
}

impl Producer {
    /// Opens the producer of the relay.
    pub fn for_relay(cluster: &Cluster) -> anyhow::Result<Self> {
        // No timeout: a message that timed out while the next one got through would break the order of its user's
        // events. Instead, everything that is unsent is purged together when nothing is acknowledged.
        Self::open(cluster, "0")
    }

    /// Opens the producer of single entries.
    pub fn for_entries(cluster: &Cluster) -> anyhow::Result<Self> {
        Self::open(cluster, "5000")
    }

    fn open(cluster: &Cluster, message_timeout_ms: &str) -> anyhow::Result<Self> {
        let mut config = cluster.config.clone();
        config
            .set("enable.idempotence", "true")
            // Without this, librdkafka would send the next messages of a partition after one that a broker refused. See
            // also `waves`.
            .set("enable.gapless.guarantee", "true")
            .set("acks", "all")
            .set("linger.ms", "1")
            .set("compression.type", "lz4")
            .set("partitioner", "murmur2_random")
            .set("message.max.bytes", MAX_MESSAGE_BYTES)
            .set("queue.buffering.max.messages", "100000")
            .set("message.timeout.ms", message_timeout_ms)
            // How long messages for a topic that does not exist wait for it: less than `ACKNOWLEDGE_WITHIN`, so that
            // the topic is at fault and not the connection.
            .set("topic.metadata.propagation.max.ms", "1000")
            .set("retry.backoff.max.ms", "500");
        let current = RwLock::new(Arc::new(config.create()?));
        Ok(Self {
            config,
            cluster: cluster.clone(),
            current,
            known: Mutex::default(),
        })
    }

    /// The producer in use.
    fn current(&self) -> Arc<FutureProducer> {
        self.current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Replaces a producer, unless another caller has done so already. It sends nothing more: the rows of its unsent
    /// messages are still in the outbox.
    fn replace(&self, used: &Arc<FutureProducer>) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if !Arc::ptr_eq(&current, used) {
            return;
        }
        used.purge(PurgeConfig::default().queue().inflight());
        match self.config.create() {
            Ok(new) => {
                let old = std::mem::replace(&mut *current, Arc::new(new));
                self.known().clear();
                // Closing it waits for its threads.
                std::thread::spawn(move || drop(old));
            }
            Err(error) => {
                error!(%error, "cannot create a Kafka producer; the old one stays in use")
            }
        }
    }

    /// Moves outbox rows to Kafka; see [`crate::log::Log::drain`].
    ///
    /// The leases of the shards, which `session` holds, are what keeps other bridges from these rows. A transaction
    /// with row locks would stay open while Kafka is unreachable, and would keep vacuum from cleaning the outbox.
    pub async fn drain(&self, session: &Session, claim: Claim<'_>) -> anyhow::Result<Moved> {
        let read_at = Instant::now();
        let rows = read(session, claim).await.context("reading outbox rows")?;
        let rows: Vec<OutboxRow<'_>> = rows.iter().map(OutboxRow::of).collect::<Result<_, _>>()?;
        let mut moved = Moved {
            claimed: rows.len(),
            last: rows.last().map(|row| row.id),
            ..Moved::default()
        };
        if rows.is_empty() {
            return Ok(moved);
        }
        let mut batch = Batch {
            rows: &rows,
            sending: Sending::new(self),
            refusals: Refusals {
                alone: rows.len() == 1,
                ..Refusals::default()
            },
            acknowledged: Vec::with_capacity(rows.len()),
            failed: None,
        };
        let (first, then) = self.waves(&rows);
        let mut cut_off = !batch.send(first, read_at, &self.cluster).await?;
        if !cut_off && batch.is_accepted() {
            cut_off = !batch.send(then, read_at, &self.cluster).await?;
        }
        let Batch {
            sending,
            refusals,
            acknowledged,
            failed,
            ..
        } = batch;
        if cut_off {
            // Purges before the rows are deleted, because that may take a while.
            drop(sending);
        } else {
            sending.finish();
        }
        if !acknowledged.is_empty() {
            session
                .execute(include_str!("delete_relayed.sql"), &[&acknowledged])
                .await
                .context("deleting relayed rows from the outbox")?;
        }
        if cut_off {
            return Err(NoAcknowledgement.into());
        }
        moved.rows = acknowledged.len();
        moved.refused = refusals.list;
        match failed {
            // The next claim leaves out what was refused, which most likely caused the other failures.
            Some(error) if moved.refused.is_empty() => {
                warn!(%error, "Kafka did not accept an event");
                bail!("Kafka did not accept an event: {error}")
            }
            _ => Ok(moved),
        }
    }

    /// Divides a batch into rows to send at once, and rows to send once those are acknowledged.
    ///
    /// Kafka refuses a request that follows a refused one only if it has accepted an earlier request of this producer for
    /// the same partition. So the first event of each user and topic goes ahead, unless the producer knows the user.
    fn waves(&self, rows: &[OutboxRow<'_>]) -> (Vec<usize>, Vec<usize>) {
        let known = self.known();
        let mut ahead = HashSet::new();
        (0..rows.len()).partition(|index| {
            rows.get(*index).is_none_or(|row| {
                known.contains(&(row.user, row.topic.to_owned()))
                    || ahead.insert((row.user, row.topic))
            })
        })
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends one entry and waits until it is acknowledged.
    pub async fn append(&self, topic: &str, entry: &Entry) -> anyhow::Result<()> {
        let (producer, topic) = (self.current(), self.cluster.topic(topic));
        let (key, event_id) = (entry.user.to_string(), entry.event_id.to_string());
        let mut headers = OwnedHeaders::new().insert(Header {
            key: EVENT_ID,
            value: Some(&event_id),
        });
        for (key, value) in &entry.headers {
            headers = headers.insert(Header {
                key,
                value: Some(value),
            });
        }
        let record = FutureRecord::to(&topic)
            .key(&key)
            .payload(&entry.event[..])
            .headers(headers);
        match producer.send(record, REQUEST_TIMEOUT).await {
            Ok(_) => Ok(()),
            Err((error, _)) => {
                let fatal = producer.client().fatal_error();
                if fatal.is_some() || error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal) {
                    warn!(%error, ?fatal, "the Kafka producer had a fatal error and is replaced");
                    self.replace(&producer);
                }
                Err(error).context("Kafka did not accept an event")
            }
        }
    }

    /// Checks that a broker answers.
    pub async fn ready(&self) -> anyhow::Result<()> {
        let producer = self.current();
        let request = tokio::task::spawn_blocking(move || {
            producer
                .client()
                .fetch_metadata(None, REQUEST_TIMEOUT - Duration::from_secs(1))
                .map(drop)
        });
        timeout(REQUEST_TIMEOUT, request)
            .await
            .context("Kafka does not answer")??
            .context("reading metadata from Kafka")
    }
}

/// Reads the rows of a claim.
async fn read(session: &Session, claim: Claim<'_>) -> anyhow::Result<Vec<Row>> {
    let Claim {
        shards,
        topics,
        held_users,
        rows,
    } = claim;
    match rows {
        Rows::From { first, limit } => {
            let limit = i64::from(limit);
            let parameters: [&(dyn ToSql + Sync); 5] =
                [&shards, &topics, &held_users, &first, &limit];
            session
                .query(include_str!("read_outbox.sql"), &parameters)
                .await
        }
        Rows::Only(id) => {
            session
                .query(
                    include_str!("read_outbox_row.sql"),
                    &[&shards, &topics, &id],
                )
                .await
        }
    }
}

/// A row of `read_outbox.sql`.
struct OutboxRow<'a> {
    id: i64,
    topic: &'a str,
    user: Uuid,
    event_id: Uuid,
    event: &'a str,
}

impl<'a> OutboxRow<'a> {
    fn of(row: &'a Row) -> Result<Self, tokio_postgres::Error> {
        Ok(Self {
            id: row.try_get(0)?,
            topic: row.try_get(1)?,
            user: row.try_get(2)?,
            event_id: row.try_get(3)?,
            event: row.try_get(4)?,
        })
    }
}

/// The rows of one claim on their way to Kafka, and what has become of them.
struct Batch<'a> {
    rows: &'a [OutboxRow<'a>],
    sending: Sending<'a>,
    refusals: Refusals,
    /// Ids of acknowledged rows.
    acknowledged: Vec<i64>,
    /// The first failure that is no refusal.
    failed: Option<KafkaError>,
}

impl Batch<'_> {
    /// Sends rows, given by their indexes, and waits for their outcomes; false if nothing is acknowledged any more.
    async fn send(
        &mut self,
        indexes: Vec<usize>,
        read_at: Instant,
        cluster: &Cluster,
    ) -> anyhow::Result<bool> {
        let rows = self.rows;
        for index in indexes {
            let Some(row) = rows.get(index) else { continue };
            // A later row must not overtake one that was refused.
            if self.refusals.cover(row) {
                continue;
            }
            if read_at.elapsed() > SEND_WITHIN {
                bail!("the process was paused, and its leases may be lost");
            }
            if let Err(error) = self.sending.send(index, row, cluster)
                && !self.refusals.add(row, &error)
            {
                // A producer with a fatal error refuses everything from then on.
                self.sending.failed = true;
                self.failed = Some(error);
                break;
            }
        }
        loop {
            match timeout(ACKNOWLEDGE_WITHIN, self.sending.outcomes.next()).await {
                Ok(Some((index, outcome))) => {
                    if let Some(row) = rows.get(index) {
                        self.note(row, outcome);
                    }
                }
                Ok(None) => return Ok(true),
                Err(_) => return Ok(false),
            }
        }
    }

    fn note(&mut self, row: &OutboxRow<'_>, outcome: Result<(), KafkaError>) {
        match outcome {
            Ok(()) => {
                self.acknowledged.push(row.id);
                let mut known = self.sending.producers.known();
                if known.len() >= MAX_KNOWN {
                    known.clear();
                }
                known.insert((row.user, row.topic.to_owned()));
            }
            Err(error) => {
                self.sending.failed = true;
                if !self.refusals.add(row, &error) {
                    self.failed.get_or_insert(error);
                }
            }
        }
    }

    /// True if every message that was sent so far is acknowledged.
    fn is_accepted(&self) -> bool {
        !self.sending.failed && self.failed.is_none()
    }
}

type Outcome = (usize, Result<(), KafkaError>);

/// A batch on its way to Kafka. Unless every message is acknowledged, dropping it purges and replaces the producer, so
/// that nothing is sent later. That also covers a batch that is given up because the session with the leases is lost.
struct Sending<'a> {
    producers: &'a Producer,
    used: Arc<FutureProducer>,
    /// Outcome of each message, with the row's index in the batch.
    outcomes: FuturesUnordered<BoxFuture<'static, Outcome>>,
    failed: bool,
    finished: bool,
}

impl<'a> Sending<'a> {
    fn new(producers: &'a Producer) -> Self {
        Self {
            producers,
            used: producers.current(),
            outcomes: FuturesUnordered::new(),
            failed: false,
            finished: false,
        }
    }

    /// Hands a row to librdkafka, which sends it in the background.
    fn send(&self, index: usize, row: &OutboxRow<'_>, cluster: &Cluster) -> Result<(), KafkaError> {
        let (topic, key) = (cluster.topic(row.topic), row.user.to_string());
        let event_id = row.event_id.to_string();
        let attributes: Attributes<'_> = serde_json::from_str(row.event).unwrap_or_default();
        let mut headers = OwnedHeaders::new_with_capacity(3).insert(Header {
            key: EVENT_ID,
            value: Some(&event_id),
        });
        for (key, value) in [
            ("type", attributes.kind),
            ("traceparent", attributes.traceparent),
        ] {
            if let Some(value) = &value {
                headers = headers.insert(Header {
                    key,
                    value: Some(&**value),
                });
            }
        }
        let record = FutureRecord::to(&topic)
            .key(&key)
            .payload(row.event)
            .headers(headers);
        let delivery = self.used.send_result(record).map_err(|(error, _)| error)?;
        self.outcomes.push(Box::pin(outcome(index, delivery)));
        Ok(())
    }

    /// Ends the batch once every message has its outcome.
    fn finish(mut self) {
        self.finished = !self.failed;
    }
}

impl Drop for Sending<'_> {
    fn drop(&mut self) {
        if !self.finished {
            self.producers.replace(&self.used);
        }
    }
}

async fn outcome(index: usize, delivery: DeliveryFuture) -> Outcome {
    let outcome = match delivery.await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err((error, _))) => Err(error),
        Err(_) => Err(KafkaError::Canceled),
    };
    (index, outcome)
}

/// The refusals of one batch.
#[derive(Default)]
struct Refusals {
    alone: bool,
    list: Vec<Refusal>,
    faults: HashSet<Fault>,
}

impl Refusals {
    /// True if the row's user or topic was refused in this batch.
    fn cover(&self, row: &OutboxRow<'_>) -> bool {
        !self.list.is_empty()
            && (self.faults.contains(&Fault::Row(row.user))
                || self.faults.contains(&Fault::Topic(row.topic.to_owned())))
    }

    /// Adds a refusal if the error is one; false for an error that may pass with time. Keeps a user's or topic's first
    /// row.
    fn add(&mut self, row: &OutboxRow<'_>, error: &KafkaError) -> bool {
        let Some(at_fault) = fault(row, error) else {
            return false;
        };
        let refusal = Refusal {
            row: row.id,
            topic: row.topic.to_owned(),
            at_fault: at_fault.clone(),
            alone: self.alone,
            error: error.to_string(),
        };
        if self.faults.insert(at_fault.clone()) {
            self.list.push(refusal);
        } else if let Some(known) = self
            .list
            .iter_mut()
            .find(|known| known.at_fault == at_fault && known.row > row.id)
        {
            *known = refusal;
        }
        true
    }
}

/// What an error is about, if sending the row again is of no use by itself.
fn fault(row: &OutboxRow<'_>, error: &KafkaError) -> Option<Fault> {
    match error.rdkafka_error_code()? {
        RDKafkaErrorCode::MessageSizeTooLarge
        | RDKafkaErrorCode::InvalidMessageSize
        | RDKafkaErrorCode::MessageBatchTooLarge
        | RDKafkaErrorCode::InvalidRecord
        | RDKafkaErrorCode::InvalidTimestamp
        | RDKafkaErrorCode::PolicyViolation => Some(Fault::Row(row.user)),
        RDKafkaErrorCode::UnknownTopic
        | RDKafkaErrorCode::UnknownPartition
        | RDKafkaErrorCode::UnknownTopicOrPartition
        | RDKafkaErrorCode::InvalidTopic
        | RDKafkaErrorCode::TopicAuthorizationFailed => Some(Fault::Topic(row.topic.to_owned())),
        _ => None,
    }
}
