//! Writes to Kafka with an idempotent producer, acknowledged by all in-sync replicas.

mod headers;
mod refusals;
mod sending;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use anyhow::{Context, bail};
use futures::StreamExt;
use rdkafka::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer as _, PurgeConfig};
use tokio::time::{Instant, timeout};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use tracing::{error, warn};
use uuid::Uuid;

use self::refusals::Refusals;
use self::sending::Sending;
use super::admin::MAX_MESSAGE_BYTES;
use super::reports::Reports;
use super::{Cluster, REQUEST_TIMEOUT};
use crate::log::{ACKNOWLEDGE_WITHIN, CLAIM_BYTES, Claim, Entry, Moved, NoAcknowledgement, Rows};
use crate::postgres::Session;

/// Rows that were read longer ago are not sent. The leases protect them for 6 s, see [`crate::leases`]; a process that was
/// paused may have lost them. A slow broker has the same effect.
const SEND_WITHIN: Duration = Duration::from_secs(4);

/// Maximum number of users and topics that a producer remembers.
const MAX_KNOWN: usize = 10_000;

/// A producer that is replaced after an error.
pub(super) struct Producer {
    config: ClientConfig,
    cluster: Cluster,
    current: RwLock<Arc<FutureProducer<Reports>>>,
    /// Users and topics of which Kafka has acknowledged an event of the current producer.
    known: Mutex<Known>,
}

type Known = HashSet<(Uuid, String)>;

impl Producer {
    /// Opens the producer of the relay.
    pub fn for_relay(cluster: &Cluster) -> anyhow::Result<Self> {
        // No timeout: a message that timed out while the next one got through would break the order of its user's
        // events. Instead, everything that is unsent is purged together when nothing is acknowledged.
        Self::open(cluster, "0", "3000")
    }

    /// Opens the producer of single entries.
    pub fn for_entries(cluster: &Cluster) -> anyhow::Result<Self> {
        Self::open(cluster, "5000", "30000")
    }

    /// `missing_topic_ms` is how long messages for a topic that is not known yet wait for it. For the relay that is less than
    /// `ACKNOWLEDGE_WITHIN`, so that the topic is at fault and not the connection.
    fn open(
        cluster: &Cluster,
        message_timeout_ms: &str,
        missing_topic_ms: &str,
    ) -> anyhow::Result<Self> {
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
            .set("topic.metadata.propagation.max.ms", missing_topic_ms)
            .set("retry.backoff.max.ms", "500");
        let current = RwLock::new(Arc::new(config.create_with_context(Reports)?));
        Ok(Self {
            config,
            cluster: cluster.clone(),
            current,
            known: Mutex::default(),
        })
    }

    /// The producer in use.
    fn current(&self) -> Arc<FutureProducer<Reports>> {
        self.current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Replaces a producer, unless another caller has done so already. It sends nothing more: the rows of its unsent
    /// messages are still in the outbox.
    fn replace(&self, used: &Arc<FutureProducer<Reports>>) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if !Arc::ptr_eq(&current, used) {
            return;
        }
        used.purge(PurgeConfig::default().queue().inflight());
        match self.config.create_with_context(Reports) {
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
            cut_off: is_cut_off(&rows, claim.rows),
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
        let mut sent = batch.send(first, read_at, &self.cluster).await;
        if sent == Sent::Whole && batch.is_accepted() {
            sent = batch.send(then, read_at, &self.cluster).await;
        }
        let Batch {
            sending,
            refusals,
            acknowledged,
            failed,
            ..
        } = batch;
        if sent == Sent::CutOff {
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
        match sent {
            Sent::Whole => {}
            Sent::CutOff => return Err(NoAcknowledgement.into()),
            Sent::Late if acknowledged.is_empty() => {
                bail!("the process was paused, and its leases may be lost")
            }
            // The session, and thus the leases, are still there: the next claim reads the other rows again.
            Sent::Late => {
                moved.cut_off = true;
                moved.last = rows
                    .iter()
                    .map(|row| row.id)
                    .take_while(|id| acknowledged.contains(id))
                    .last();
            }
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
        let key = entry.user.to_string();
        let mut headers = headers::of(entry.event_id, &entry.event);
        for (key, value) in &entry.headers {
            headers = headers::add(headers, key, value);
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
            let parameters: [&(dyn ToSql + Sync); 6] =
                [&shards, &topics, &held_users, &first, &limit, &CLAIM_BYTES];
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

/// True if the rows reach a limit of the claim.
fn is_cut_off(rows: &[OutboxRow<'_>], claim: Rows) -> bool {
    let Rows::From { limit, .. } = claim else {
        return false;
    };
    let bytes: usize = rows.iter().map(|row| row.event.len()).sum();
    i64::try_from(rows.len()).is_ok_and(|rows| rows >= i64::from(limit))
        || i64::try_from(bytes).is_ok_and(|bytes| bytes >= CLAIM_BYTES)
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

/// How far rows were sent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sent {
    /// All of them, unless one was refused.
    Whole,
    /// Some were read more than [`SEND_WITHIN`] ago, and were not sent.
    Late,
    /// Nothing is acknowledged any more.
    CutOff,
}

impl Batch<'_> {
    /// Sends rows, given by their indexes, and waits for the outcomes of those that it has sent.
    async fn send(&mut self, indexes: Vec<usize>, read_at: Instant, cluster: &Cluster) -> Sent {
        let rows = self.rows;
        let mut sent = Sent::Whole;
        for index in indexes {
            let Some(row) = rows.get(index) else { continue };
            // A later row must not overtake one that was refused.
            if self.refusals.cover(row) {
                continue;
            }
            if read_at.elapsed() > SEND_WITHIN {
                sent = Sent::Late;
                break;
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
                Ok(None) => return sent,
                Err(_) => return Sent::CutOff,
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
