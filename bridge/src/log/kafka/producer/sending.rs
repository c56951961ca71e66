//! The messages of one batch that librdkafka has taken and Kafka has not answered yet.

use std::sync::Arc;

use rdkafka::error::KafkaError;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::client::{Client, Outcome, Receipt};
use super::{OutboxRow, Producer, headers};
use crate::log::kafka::Cluster;

/// A batch on its way to Kafka. Unless every message is acknowledged, dropping it purges and replaces the producer, so
/// that nothing is sent later. That also covers a batch that is given up because the session with the leases is lost.
pub(super) struct Sending<'a> {
    pub producers: &'a Producer,
    used: Arc<Client>,
    outcomes: UnboundedSender<Outcome>,
    received: UnboundedReceiver<Outcome>,
    /// Number of messages without an outcome.
    waiting: usize,
    pub failed: bool,
    finished: bool,
}

impl<'a> Sending<'a> {
    pub fn new(producers: &'a Producer) -> Self {
        let (outcomes, received) = unbounded_channel();
        Self {
            producers,
            used: producers.current(),
            outcomes,
            received,
            waiting: 0,
            failed: false,
            finished: false,
        }
    }

    /// Hands a row to librdkafka, which sends it in the background. `index` is the row's index in the batch.
    pub fn send(
        &mut self,
        index: usize,
        row: &OutboxRow<'_>,
        cluster: &Cluster,
    ) -> Result<(), KafkaError> {
        let receipt = Receipt {
            index,
            outcomes: self.outcomes.clone(),
        };
        self.used.send(
            &cluster.topic(row.topic),
            &row.user.to_string(),
            row.event.as_bytes(),
            headers::of(row.event_id, row.event.as_bytes()),
            receipt,
        )?;
        self.waiting += 1;
        Ok(())
    }

    /// Waits for the next outcome; `None` once every message has its outcome.
    pub async fn outcome(&mut self) -> Option<Outcome> {
        if self.waiting == 0 {
            return None;
        }
        let outcome = self.received.recv().await?;
        self.waiting -= 1;
        Some(outcome)
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
