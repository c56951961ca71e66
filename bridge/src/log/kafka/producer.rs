//! Writes to Kafka with an idempotent producer, acknowledged by all in-sync replicas.

use std::borrow::Cow;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use anyhow::{Context, bail};
use futures::future::join_all;
use rdkafka::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer as _, PurgeConfig};
use serde::Deserialize;
use tokio::time::timeout;
use tokio_postgres::Client;
use tracing::{error, warn};

use super::admin::MAX_MESSAGE_BYTES;
use super::{Cluster, EVENT_ID, REQUEST_TIMEOUT};
use crate::log::Entry;

/// A producer that is replaced after a fatal error.
pub(super) struct Producer {
    config: ClientConfig,
    cluster: Cluster,
    current: RwLock<Arc<FutureProducer>>,
}

/// The event's attributes that become headers, for tools and traces. The rest of the event is not parsed.
#[derive(Default, Deserialize)]
struct Attributes<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    traceparent: Option<Cow<'a, str>>,
}

impl Producer {
    pub fn open(cluster: &Cluster) -> anyhow::Result<Self> {
        let mut config = cluster.config.clone();
        config
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("linger.ms", "1")
            .set("compression.type", "lz4")
            .set("partitioner", "murmur2_random")
            .set("message.max.bytes", MAX_MESSAGE_BYTES)
            .set("queue.buffering.max.messages", "100000")
            // No timeout: a message that timed out while the next one got through would break the order of its user's
            // events.
            .set("message.timeout.ms", "0")
            .set("retry.backoff.max.ms", "500");
        let current = RwLock::new(Arc::new(config.create()?));
        Ok(Self {
            config,
            cluster: cluster.clone(),
            current,
        })
    }

    /// The producer in use.
    fn current(&self) -> Arc<FutureProducer> {
        self.current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Replaces a producer, unless another caller has done so already. Its unsent messages are dropped: their rows are
    /// still in the outbox.
    fn replace(&self, failed: &Arc<FutureProducer>) -> anyhow::Result<()> {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if Arc::ptr_eq(&current, failed) {
            failed.purge(PurgeConfig::default().queue().inflight());
            *current = Arc::new(self.config.create()?);
        }
        Ok(())
    }

    /// Moves up to `limit` outbox rows of these shards to Kafka, and returns how many it moved; see
    /// [`crate::log::Log::drain`].
    ///
    /// The leases of the shards, which `session` holds, are what keeps other bridges from these rows. A transaction
    /// with row locks would stay open while Kafka is unreachable, and would keep vacuum from cleaning the outbox.
    pub async fn drain(
        &self,
        session: &Client,
        shards: &[i16],
        limit: i32,
    ) -> anyhow::Result<usize> {
        let rows = session
            .query(
                include_str!("read_outbox.sql"),
                &[&shards, &i64::from(limit)],
            )
            .await
            .context("reading outbox rows")?;
        if rows.is_empty() {
            return Ok(0);
        }
        let producer = self.current();
        let mut sent = Vec::with_capacity(rows.len());
        for row in &rows {
            let (topic, user, event_id, event): (&str, uuid::Uuid, uuid::Uuid, &str) = (
                row.try_get(1)?,
                row.try_get(2)?,
                row.try_get(3)?,
                row.try_get(4)?,
            );
            let (topic, key) = (self.cluster.topic(topic), user.to_string());
            let event_id = event_id.to_string();
            let attributes: Attributes<'_> = serde_json::from_str(event).unwrap_or_default();
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
                .payload(event)
                .headers(headers);
            match producer.send_result(record) {
                Ok(delivery) => sent.push(delivery),
                // The rest of the batch is not sent: a later event must not overtake one that was refused.
                Err((error, _)) => {
                    self.failed(&producer, &error)?;
                    break;
                }
            }
        }

        // Only the rows before the first that was not acknowledged are deleted. The others are sent again in order.
        let mut acknowledged = Vec::with_capacity(rows.len());
        let mut refused = None;
        for (row, delivery) in rows.iter().zip(join_all(sent).await) {
            match delivery {
                Ok(Ok(_)) if refused.is_none() => acknowledged.push(row.try_get::<_, i64>(0)?),
                Ok(Ok(_)) => {}
                Ok(Err((error, _))) => refused = refused.or(Some(error)),
                Err(_) => refused = refused.or(Some(KafkaError::Canceled)),
            }
        }
        if !acknowledged.is_empty() {
            session
                .execute(include_str!("delete_relayed.sql"), &[&acknowledged])
                .await
                .context("deleting relayed rows from the outbox")?;
        }
        if let Some(error) = refused {
            self.failed(&producer, &error)?;
            bail!("Kafka did not accept an event: {error}");
        }
        Ok(acknowledged.len())
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
                self.failed(&producer, &error)?;
                Err(error).context("Kafka did not accept an event")
            }
        }
    }

    /// Logs a failed delivery, and replaces the producer if the error is fatal: it would refuse every message from then
    /// on.
    fn failed(&self, producer: &Arc<FutureProducer>, error: &KafkaError) -> anyhow::Result<()> {
        let fatal = producer.client().fatal_error();
        if fatal.is_some() || error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal) {
            error!(%error, ?fatal, "the Kafka producer had a fatal error and is replaced");
            self.replace(producer)?;
        } else {
            warn!(%error, "Kafka did not accept an event");
        }
        Ok(())
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
