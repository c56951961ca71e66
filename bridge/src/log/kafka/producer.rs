//! Writes to Kafka with an idempotent producer, acknowledged by all in-sync replicas.

mod client;
mod headers;
mod refusals;
mod rows;
mod sending;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use anyhow::{Context, bail};
use rdkafka::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{Producer as _, PurgeConfig};
use tokio::sync::mpsc::unbounded_channel;
use tokio::time::{Instant, timeout};
use tracing::{error, warn};
use uuid::Uuid;

use self::client::{Client, Receipt};
use self::refusals::Refusals;
use self::rows::{OutboxRow, is_cut_off, read};
use self::sending::Sending;
use super::admin::MAX_MESSAGE_BYTES;
use super::{Cluster, REQUEST_TIMEOUT};
use crate::log::{ACKNOWLEDGE_WITHIN, Claim, Entry, Moved, NoAcknowledgement};
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
    current: RwLock<Arc<Client>>,
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
        let current = RwLock::new(Arc::new(Client::new(&config)?));
        Ok(Self {
            config,
            cluster: cluster.clone(),
            current,
            known: Mutex::default(),
        })
    }

    /// The producer in use.
    fn current(&self) -> Arc<Client> {
        self.current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Replaces a producer, unless another caller has done so already. It sends nothing more: the rows of its unsent
    /// messages are still in the outbox.
    fn replace(&self, used: &Arc<Client>) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if !Arc::ptr_eq(&current, used) {
            return;
        }
        used.producer
            .purge(PurgeConfig::default().queue().inflight());
        match Client::new(&self.config) {
            Ok(new) => {
                *current = Arc::new(new);
                self.known().clear();
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
        let client = self.current();
        let mut headers = headers::of(entry.event_id, &entry.event);
        for (key, value) in &entry.headers {
            headers = headers::add(headers, key, value);
        }
        let (outcomes, mut received) = unbounded_channel();
        let sent = client.send(
            &self.cluster.topic(topic),
            &entry.user.to_string(),
            &entry.event,
            headers,
            Receipt { index: 0, outcomes },
        );
        let outcome = match sent {
            Ok(()) => received.recv().await.map(|(_, outcome)| outcome),
            Err(error) => Some(Err(error)),
        };
        let Err(error) = outcome.unwrap_or(Err(KafkaError::Canceled)) else {
            return Ok(());
        };
        let fatal = client.producer.client().fatal_error();
        if fatal.is_some() || error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal) {
            warn!(%error, ?fatal, "the Kafka producer had a fatal error and is replaced");
            self.replace(&client);
        }
        Err(error).context("Kafka did not accept an event")
    }

    /// Checks that a broker answers.
    pub async fn ready(&self) -> anyhow::Result<()> {
        let client = self.current();
        let request = tokio::task::spawn_blocking(move || {
            let kafka = client.producer.client();
            kafka
                .fetch_metadata(None, REQUEST_TIMEOUT - Duration::from_secs(1))
                .map(drop)
        });
        timeout(REQUEST_TIMEOUT, request)
            .await
            .context("Kafka does not answer")??
            .context("reading metadata from Kafka")
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
            match timeout(ACKNOWLEDGE_WITHIN, self.sending.outcome()).await {
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
