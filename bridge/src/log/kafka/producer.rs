//! Writes to Kafka: idempotent, acknowledged by all replicas, in order, for as long as it takes.

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

use super::{Cluster, EVENT_ID, PATIENCE};
use crate::log::Entry;

/// Makes a new producer when one has failed for good.
pub(super) struct Producer {
    config: ClientConfig,
    cluster: Cluster,
    current: RwLock<Arc<FutureProducer>>,
}

/// The two attributes that travel as headers, for tools and traces; the rest of the event is not looked at.
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
            .set("message.max.bytes", "8000000")
            .set("queue.buffering.max.messages", "100000")
            // A message never times out here: one that did while the next went through would break its user's order.
            .set("message.timeout.ms", "0")
            .set("retry.backoff.max.ms", "500");
        let current = RwLock::new(Arc::new(config.create()?));
        Ok(Self {
            config,
            cluster: cluster.clone(),
            current,
        })
    }

    fn current(&self) -> Arc<FutureProducer> {
        self.current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// After a fatal error a producer refuses everything, so it is replaced; what it still held stays in the outbox.
    fn renew(&self, failed: &Arc<FutureProducer>) -> anyhow::Result<()> {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if Arc::ptr_eq(&current, failed) {
            failed.purge(PurgeConfig::default().queue().inflight());
            *current = Arc::new(self.config.create()?);
        }
        Ok(())
    }

    /// Moves a batch of outbox rows. The session that deletes is the one that holds the shards' leases: that is the
    /// claim, and it is not a transaction, because one held open while Kafka is away would keep vacuum from the outbox.
    pub async fn drain(
        &self,
        session: &Client,
        shards: &[i16],
        most: i32,
    ) -> anyhow::Result<usize> {
        let rows = session
            .query(include_str!("claim.sql"), &[&shards, &i64::from(most)])
            .await
            .context("claiming")?;
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
                // The rest of the batch stays where it is: what follows must not overtake what did not go.
                Err((error, _)) => {
                    self.failed(&producer, &error)?;
                    break;
                }
            }
        }

        // Rows are deleted up to the first that the log did not acknowledge, so that it comes again before the others.
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
                .execute(include_str!("relayed.sql"), &[&acknowledged])
                .await
                .context("deleting what was relayed")?;
        }
        if let Some(error) = refused {
            self.failed(&producer, &error)?;
            bail!("Kafka refused an event: {error}");
        }
        Ok(acknowledged.len())
    }

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
        match producer.send(record, PATIENCE).await {
            Ok(_) => Ok(()),
            Err((error, _)) => {
                self.failed(&producer, &error)?;
                Err(error).context("Kafka refused an event")
            }
        }
    }

    fn failed(&self, producer: &Arc<FutureProducer>, error: &KafkaError) -> anyhow::Result<()> {
        let fatal = producer.client().fatal_error();
        if fatal.is_some() || error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal) {
            error!(%error, ?fatal, "the Kafka producer failed for good and is replaced");
            self.renew(producer)?;
        } else {
            warn!(%error, "Kafka refused an event");
        }
        Ok(())
    }

    pub async fn ready(&self) -> anyhow::Result<()> {
        let producer = self.current();
        let ask = tokio::task::spawn_blocking(move || {
            producer
                .client()
                .fetch_metadata(None, PATIENCE - Duration::from_secs(1))
                .map(drop)
        });
        timeout(PATIENCE, ask)
            .await
            .context("Kafka does not answer")??
            .context("asking Kafka")
    }
}
