//! A librdkafka producer that sends the outcome of each message to a channel.
//!
//! rdkafka's asynchronous producer is not used: its thread polls in periods of 100 ms, and is busy for up to 1 ms at the end of
//! each, because it rounds the rest of a period down to whole milliseconds. That is 1 % of a core while nothing happens.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, ProducerContext};
use tokio::sync::mpsc::UnboundedSender;

use crate::log::kafka::reports::Reports;

/// How long the thread polls before it looks whether the producer is still in use.
const POLL: Duration = Duration::from_secs(10);

/// A producer, and a thread that polls it. The thread ends, and closes the producer, within [`POLL`] after this is dropped.
pub(super) struct Client {
    pub producer: Arc<BaseProducer<Reports>>,
}

/// Index of a message in its batch, and whether Kafka has accepted it.
pub(in crate::log::kafka) type Outcome = (usize, Result<(), KafkaError>);

/// Where the outcome of a message goes.
pub(in crate::log::kafka) struct Receipt {
    pub index: usize,
    pub outcomes: UnboundedSender<Outcome>,
}

impl Client {
    pub fn new(config: &ClientConfig) -> anyhow::Result<Self> {
        let producer: BaseProducer<Reports> = config.create_with_context(Reports)?;
        let producer = Arc::new(producer);
        let polled = producer.clone();
        std::thread::Builder::new()
            .name("kafka producer".to_owned())
            .spawn(move || {
                while Arc::strong_count(&polled) > 1 {
                    polled.poll(POLL);
                }
            })?;
        Ok(Self { producer })
    }

    /// Hands a message to librdkafka, which sends it in the background.
    ///
    /// # Errors
    /// When librdkafka does not take the message. `receipt` gets no outcome then.
    pub fn send(
        &self,
        topic: &str,
        key: &str,
        payload: &[u8],
        headers: OwnedHeaders,
        receipt: Receipt,
    ) -> Result<(), KafkaError> {
        let record = BaseRecord::with_opaque_to(topic, Box::new(receipt))
            .key(key)
            .payload(payload)
            .headers(headers);
        self.producer.send(record).map_err(|(error, _)| error)
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = Box<Receipt>;

    fn delivery(&self, result: &DeliveryResult<'_>, receipt: Box<Receipt>) {
        let outcome = match result {
            Ok(_) => Ok(()),
            Err((error, _)) => Err(error.clone()),
        };
        // A batch that was given up receives nothing.
        let _ = receipt.outcomes.send((receipt.index, outcome));
    }
}
