//! The messages of one batch that librdkafka has taken and Kafka has not answered yet.

use std::sync::Arc;

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use rdkafka::error::KafkaError;
use rdkafka::producer::{DeliveryFuture, FutureProducer, FutureRecord};

use super::{OutboxRow, Producer, headers};
use crate::log::kafka::Cluster;
use crate::log::kafka::reports::Reports;

pub(super) type Outcome = (usize, Result<(), KafkaError>);

/// A batch on its way to Kafka. Unless every message is acknowledged, dropping it purges and replaces the producer, so
/// that nothing is sent later. That also covers a batch that is given up because the session with the leases is lost.
pub(super) struct Sending<'a> {
    pub producers: &'a Producer,
    used: Arc<FutureProducer<Reports>>,
    /// Outcome of each message, with the row's index in the batch.
    pub outcomes: FuturesUnordered<BoxFuture<'static, Outcome>>,
    pub failed: bool,
    finished: bool,
}

impl<'a> Sending<'a> {
    pub fn new(producers: &'a Producer) -> Self {
        Self {
            producers,
            used: producers.current(),
            outcomes: FuturesUnordered::new(),
            failed: false,
            finished: false,
        }
    }

    /// Hands a row to librdkafka, which sends it in the background.
    pub fn send(
        &self,
        index: usize,
        row: &OutboxRow<'_>,
        cluster: &Cluster,
    ) -> Result<(), KafkaError> {
        let (topic, key) = (cluster.topic(row.topic), row.user.to_string());
        let record = FutureRecord::to(&topic)
            .key(&key)
            .payload(row.event)
            .headers(headers::of(row.event_id, row.event.as_bytes()));
        let delivery = self.used.send_result(record).map_err(|(error, _)| error)?;
        self.outcomes.push(Box::pin(outcome(index, delivery)));
        Ok(())
    }

    /// Ends the batch once every message has its outcome.
    pub fn finish(mut self) {
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
