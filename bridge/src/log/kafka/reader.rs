//! A group's reader of Kafka: one consumer on a thread of its own, which hands a partition over before it lets go.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _, ConsumerContext, Rebalance};
use rdkafka::error::KafkaError;
use rdkafka::{ClientConfig, ClientContext, Message, Offset, TopicPartitionList};
use tokio::sync::{mpsc, oneshot};
use tracing::{error, info, warn};

use super::{Cluster, record_of};
use crate::log::{Delivery, Mark, Partition, Pause, Reading, Record};
use crate::policy;

const POLL: Duration = Duration::from_millis(20);
const BATCH: usize = 500;
const COMMIT_EVERY: Duration = Duration::from_millis(200);
/// A consumer that has lag and hears nothing for this long is made anew.
const STALLED: Duration = Duration::from_secs(5);

pub(super) struct Reader {
    config: ClientConfig,
    reading: Reading,
    desk: Desk,
    pause: Pause,
}

/// What the thread and librdkafka's callbacks share: where partitions and records are handed out and marks come in.
#[derive(Clone)]
struct Desk {
    cluster: Cluster,
    group: &'static str,
    deliver: mpsc::Sender<Delivery>,
    marked: Arc<Mutex<Marked>>,
}

struct Marked {
    marks: mpsc::UnboundedReceiver<Vec<Mark>>,
    unsaved: HashMap<Partition, i64>,
}

impl Reader {
    pub fn new(
        cluster: Cluster,
        reading: Reading,
        deliver: mpsc::Sender<Delivery>,
        marks: mpsc::UnboundedReceiver<Vec<Mark>>,
        pause: Pause,
    ) -> Self {
        let mut config = cluster.config.clone();
        config
            .set("group.id", cluster.group(reading.group.name))
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "earliest")
            .set("partition.assignment.strategy", "roundrobin")
            .set("session.timeout.ms", "6000")
            .set("heartbeat.interval.ms", "1500")
            .set("fetch.wait.max.ms", "100")
            .set("fetch.error.backoff.ms", "100")
            .set("queued.max.messages.kbytes", "16384")
            .set("topic.metadata.refresh.interval.ms", "10000");
        let marked = Marked {
            marks,
            unsaved: HashMap::new(),
        };
        let desk = Desk {
            cluster,
            group: reading.group.name,
            deliver,
            marked: Arc::new(Mutex::new(marked)),
        };
        Self {
            config,
            reading,
            desk,
            pause,
        }
    }

    pub fn run(self) {
        let mut failures = 0;
        while !self.reading.stop.is_cancelled() {
            if let Err(failed) = self.read() {
                failures += 1;
                warn!(
                    group = self.desk.group,
                    error = format!("{failed:#}"),
                    "the consumer is made anew"
                );
                self.reading.health.down("log", format!("{failed:#}"));
                std::thread::sleep(policy::backoff(100, failures, 2_000));
            }
        }
    }

    /// Reads until told to stop. However this ends, dropping the consumer hands its partitions over.
    fn read(&self) -> anyhow::Result<()> {
        let consumer: BaseConsumer<Desk> = self.config.create_with_context(self.desk.clone())?;
        let cluster = &self.desk.cluster;
        let names: Vec<String> = self
            .reading
            .group
            .topics
            .iter()
            .map(|topic| cluster.topic(topic))
            .collect();
        consumer.subscribe(&names.iter().map(String::as_str).collect::<Vec<_>>())?;
        let topics: HashMap<String, Arc<str>> = self
            .reading
            .group
            .topics
            .iter()
            .map(|topic| (cluster.topic(topic), Arc::from(*topic)))
            .collect();
        let (mut paused, mut committed, mut heard, mut suspected) =
            (false, Instant::now(), Instant::now(), false);
        while !self.reading.stop.is_cancelled() {
            if self.pause.is_set() != paused {
                paused = !paused;
                let assigned = consumer.assignment()?;
                if paused {
                    consumer.pause(&assigned)?
                } else {
                    consumer.resume(&assigned)?
                }
            }
            let records = self.poll(&consumer, &topics)?;
            if !records.is_empty() {
                (heard, suspected) = (Instant::now(), false);
                self.desk.hand_out(Delivery::Records(records))?;
            } else if paused {
                heard = Instant::now();
            } else if heard.elapsed() > STALLED {
                heard = Instant::now();
                // Only lag that stays while nothing comes is a stall: records may be on their way right now.
                anyhow::ensure!(
                    !(lags(&consumer)? && std::mem::replace(&mut suspected, true)),
                    "it has lag and hears nothing"
                );
            }
            if committed.elapsed() >= COMMIT_EVERY {
                committed = Instant::now();
                self.desk.commit(&consumer, CommitMode::Async);
            }
        }
        Ok(())
    }

    fn poll(
        &self,
        consumer: &BaseConsumer<Desk>,
        topics: &HashMap<String, Arc<str>>,
    ) -> anyhow::Result<Vec<Record>> {
        let mut records = Vec::new();
        let mut wait = POLL;
        while records.len() < BATCH {
            match consumer.poll(wait) {
                Some(Ok(message)) => {
                    if let Some(topic) = topics.get(message.topic()) {
                        records.push(record_of(&message, topic.clone()));
                    }
                }
                Some(Err(KafkaError::MessageConsumptionFatal(code))) => {
                    anyhow::bail!("the consumer failed for good: {code}")
                }
                // Everything else passes: librdkafka itself reconnects and asks again.
                Some(Err(error)) => warn!(group = self.desk.group, %error, "reading Kafka"),
                None => break,
            }
            wait = Duration::ZERO;
        }
        Ok(records)
    }
}

/// True if the log holds records that this consumer has not been given.
fn lags(consumer: &BaseConsumer<Desk>) -> anyhow::Result<bool> {
    let patience = Duration::from_secs(1);
    for place in consumer.position()?.elements() {
        let Ok((_, end)) = consumer.fetch_watermarks(place.topic(), place.partition(), patience)
        else {
            // Brokers that do not answer are no fault of the consumer's.
            return Ok(false);
        };
        match place.offset() {
            Offset::Offset(position) if position < end => return Ok(true),
            _ => {}
        }
    }
    Ok(false)
}

impl Desk {
    fn hand_out(&self, delivery: Delivery) -> anyhow::Result<()> {
        self.deliver
            .blocking_send(delivery)
            .ok()
            .context("nobody takes deliveries")
    }

    /// Saves how far the group has settled each partition.
    fn commit(&self, consumer: &BaseConsumer<Self>, mode: CommitMode) {
        let mut marked = self.marked.lock().unwrap_or_else(PoisonError::into_inner);
        while let Ok(marks) = marked.marks.try_recv() {
            for mark in marks {
                marked.unsaved.insert(mark.partition, mark.next);
            }
        }
        if marked.unsaved.is_empty() {
            return;
        }
        let mut offsets = TopicPartitionList::with_capacity(marked.unsaved.len());
        for (partition, next) in &marked.unsaved {
            if let Err(error) = offsets.add_partition_offset(
                &self.cluster.topic(&partition.topic),
                partition.number,
                Offset::Offset(*next),
            ) {
                error!(%error, "an offset that Kafka cannot hold");
            }
        }
        match consumer.commit(&offsets, mode) {
            Ok(()) => marked.unsaved.clear(),
            // Settled work is only repeated; the marks are kept for the next time.
            Err(error) => warn!(group = self.group, %error, "positions could not be saved"),
        }
    }
}

impl Desk {
    fn partitions(&self, list: &TopicPartitionList) -> Vec<Partition> {
        let elements = list.elements();
        elements
            .iter()
            .map(|place| self.cluster.partition(place.topic(), place.partition()))
            .collect()
    }
}

impl ClientContext for Desk {}

impl ConsumerContext for Desk {
    /// Runs before the partitions are let go: what is in flight is settled and saved first.
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let Rebalance::Revoke(list) = rebalance else {
            return;
        };
        let partitions = self.partitions(list);
        info!(group = self.group, ?partitions, "partitions given up");
        let (settled, done) = oneshot::channel();
        if self
            .hand_out(Delivery::Revoked {
                partitions,
                settled: Some(settled),
            })
            .is_ok()
        {
            // The reader keeps its own time limit; if it is gone, so is its end of the channel.
            let _ = done.blocking_recv();
        }
        self.commit(consumer, CommitMode::Sync);
        self.marked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .unsaved
            .clear();
    }

    fn post_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(list) => {
                let partitions = self.partitions(list);
                info!(group = self.group, ?partitions, "partitions gained");
                if let Err(error) = self.hand_out(Delivery::Assigned(partitions)) {
                    warn!(group = self.group, %error, "a reader is gone");
                }
            }
            Rebalance::Revoke(_) => {}
            Rebalance::Error(error) => {
                warn!(group = self.group, %error, "sharing partitions failed")
            }
        }
    }

    fn commit_callback(&self, result: Result<(), KafkaError>, _: &TopicPartitionList) {
        if let Err(error) = result {
            warn!(group = self.group, %error, "positions were not saved");
        }
    }
}
