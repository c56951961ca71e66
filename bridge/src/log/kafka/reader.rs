//! Reads Kafka for a group: one librdkafka consumer on a thread of its own.
//!
//! Before a rebalance takes a partition away, dispatch settles what is in flight and the offset is committed.

use std::collections::{BTreeSet, HashMap};
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

/// How long a poll waits for the first record.
const POLL_TIMEOUT: Duration = Duration::from_millis(20);
/// Maximum number of records in one delivery.
const BATCH: usize = 500;
const COMMIT_INTERVAL: Duration = Duration::from_millis(200);
/// A consumer that receives nothing is checked for lag this often; one that has lag at two checks in a row is replaced.
const STALL_CHECK: Duration = Duration::from_secs(5);
/// Time limit of a watermark request when lag is checked.
const WATERMARK_TIMEOUT: Duration = Duration::from_secs(1);

/// The reading end of a [`crate::log::Consumer`].
pub(super) struct Reader {
    config: ClientConfig,
    reading: Reading,
    context: GroupContext,
    pause: Pause,
}

/// What the reader's thread shares with librdkafka's callbacks: both deliver to dispatch and commit offsets.
#[derive(Clone)]
struct GroupContext {
    cluster: Cluster,
    group: &'static str,
    deliveries: mpsc::Sender<Delivery>,
    marks: Arc<Mutex<Marks>>,
}

struct Marks {
    received: mpsc::UnboundedReceiver<Vec<Mark>>,
    /// Marks that are not committed yet.
    uncommitted: HashMap<Partition, i64>,
}

impl Reader {
    pub fn new(
        cluster: Cluster,
        reading: Reading,
        deliveries: mpsc::Sender<Delivery>,
        received: mpsc::UnboundedReceiver<Vec<Mark>>,
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
        let marks = Marks {
            received,
            uncommitted: HashMap::new(),
        };
        let context = GroupContext {
            cluster,
            group: reading.group.name,
            deliveries,
            marks: Arc::new(Mutex::new(marks)),
        };
        Self {
            config,
            reading,
            context,
            pause,
        }
    }

    /// Reads until `stop` is cancelled. Creates a new consumer after each failure.
    pub fn run(self) {
        let mut failures = 0;
        while !self.reading.stop.is_cancelled() {
            if let Err(failed) = self.read() {
                failures += 1;
                warn!(
                    group = self.context.group,
                    error = format!("{failed:#}"),
                    "reading Kafka failed; creating a new consumer"
                );
                self.reading.health.down("log", format!("{failed:#}"));
                std::thread::sleep(policy::backoff(100, failures, 2_000));
            }
        }
    }

    /// Reads until `stop` is cancelled or the consumer fails. Dropping the consumer then revokes its partitions.
    fn read(&self) -> anyhow::Result<()> {
        let consumer: BaseConsumer<GroupContext> =
            self.config.create_with_context(self.context.clone())?;
        let cluster = &self.context.cluster;
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
        let (mut paused, mut had_lag) = (false, false);
        let mut paused_partitions = Arc::<BTreeSet<Partition>>::default();
        let (mut last_commit, mut last_received) = (Instant::now(), Instant::now());
        while !self.reading.stop.is_cancelled() {
            if self.pause.is_set() != paused {
                paused = !paused;
                let assigned = consumer.assignment()?;
                if paused {
                    consumer.pause(&assigned)?
                } else {
                    consumer.resume(&assigned)?;
                    paused_partitions = Arc::default();
                }
            }
            let to_pause = self.pause.partitions();
            if !paused && to_pause != paused_partitions {
                let assigned = self.context.partitions(&consumer.assignment()?);
                let assigned: BTreeSet<Partition> = assigned.into_iter().collect();
                let resumed = paused_partitions.difference(&to_pause);
                consumer.resume(&self.context.list(resumed.filter(|p| assigned.contains(p))))?;
                let added = to_pause.difference(&paused_partitions);
                consumer.pause(&self.context.list(added.filter(|p| assigned.contains(p))))?;
                paused_partitions = to_pause;
            }
            let records = self.poll(&consumer, &topics)?;
            if !records.is_empty() {
                (last_received, had_lag) = (Instant::now(), false);
                self.context.deliver(Delivery::Records(records))?;
            } else if paused {
                last_received = Instant::now();
            } else if last_received.elapsed() > STALL_CHECK {
                last_received = Instant::now();
                // Lag at one check is no stall yet: records may be on their way at that moment.
                anyhow::ensure!(
                    !(self.has_lag(&consumer)? && std::mem::replace(&mut had_lag, true)),
                    "the consumer has lag and receives no records"
                );
            }
            if last_commit.elapsed() >= COMMIT_INTERVAL {
                last_commit = Instant::now();
                self.context.commit(&consumer, CommitMode::Async);
            }
        }
        Ok(())
    }

    /// The records that have arrived, up to [`BATCH`].
    fn poll(
        &self,
        consumer: &BaseConsumer<GroupContext>,
        topics: &HashMap<String, Arc<str>>,
    ) -> anyhow::Result<Vec<Record>> {
        let mut records = Vec::new();
        let mut wait = POLL_TIMEOUT;
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
                // librdkafka recovers from all other errors by itself.
                Some(Err(error)) => {
                    warn!(group = self.context.group, %error, "reading Kafka failed and is retried")
                }
                None => break,
            }
            wait = Duration::ZERO;
        }
        Ok(records)
    }

    /// True if an assigned partition that is not paused holds records that this consumer has not received.
    fn has_lag(&self, consumer: &BaseConsumer<GroupContext>) -> anyhow::Result<bool> {
        let paused = self.pause.partitions();
        for place in consumer.position()?.elements() {
            let partition = self
                .context
                .cluster
                .partition(place.topic(), place.partition());
            if paused.contains(&partition) {
                continue;
            }
            let Ok((_, end)) =
                consumer.fetch_watermarks(place.topic(), place.partition(), WATERMARK_TIMEOUT)
            else {
                // The brokers do not answer; a new consumer would not help.
                return Ok(false);
            };
            match place.offset() {
                Offset::Offset(position) if position < end => return Ok(true),
                _ => {}
            }
        }
        Ok(false)
    }
}

impl GroupContext {
    fn deliver(&self, delivery: Delivery) -> anyhow::Result<()> {
        self.deliveries
            .blocking_send(delivery)
            .ok()
            .context("dispatch has ended")
    }

    /// Commits the marks received since the last commit.
    fn commit(&self, consumer: &BaseConsumer<Self>, mode: CommitMode) {
        let mut marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        while let Ok(received) = marks.received.try_recv() {
            for mark in received {
                marks.uncommitted.insert(mark.partition, mark.next);
            }
        }
        if marks.uncommitted.is_empty() {
            return;
        }
        let mut offsets = TopicPartitionList::with_capacity(marks.uncommitted.len());
        for (partition, next) in &marks.uncommitted {
            if let Err(error) = offsets.add_partition_offset(
                &self.cluster.topic(&partition.topic),
                partition.number,
                Offset::Offset(*next),
            ) {
                error!(%error, "an offset is not valid for Kafka and is not committed");
            }
        }
        match consumer.commit(&offsets, mode) {
            Ok(()) => marks.uncommitted.clear(),
            // The marks are kept and committed the next time. Until then a restart would only repeat events.
            Err(error) => {
                warn!(group = self.group, %error, "committing offsets failed and is retried")
            }
        }
    }

    /// The partitions as librdkafka takes them.
    fn list<'a>(&self, partitions: impl Iterator<Item = &'a Partition>) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        for partition in partitions {
            list.add_partition(&self.cluster.topic(&partition.topic), partition.number);
        }
        list
    }

    /// The partitions of a list that librdkafka made.
    fn partitions(&self, list: &TopicPartitionList) -> Vec<Partition> {
        let elements = list.elements();
        elements
            .iter()
            .map(|place| self.cluster.partition(place.topic(), place.partition()))
            .collect()
    }
}

impl ClientContext for GroupContext {}

impl ConsumerContext for GroupContext {
    /// Runs before partitions are revoked: waits until dispatch has settled what is in flight, then commits.
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let Rebalance::Revoke(list) = rebalance else {
            return;
        };
        let partitions = self.partitions(list);
        info!(group = self.group, ?partitions, "partitions revoked");
        let (settled, is_settled) = oneshot::channel();
        if self
            .deliver(Delivery::Revoked {
                partitions,
                settled: Some(settled),
            })
            .is_ok()
        {
            // Dispatch applies its own time limit. If it has ended, this returns at once.
            let _ = is_settled.blocking_recv();
        }
        self.commit(consumer, CommitMode::Sync);
        self.marks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .uncommitted
            .clear();
    }

    fn post_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(list) => {
                let partitions = self.partitions(list);
                info!(group = self.group, ?partitions, "partitions assigned");
                if let Err(error) = self.deliver(Delivery::Assigned(partitions)) {
                    warn!(group = self.group, %error, "assigned partitions cannot be delivered");
                }
            }
            Rebalance::Revoke(_) => {}
            Rebalance::Error(error) => {
                warn!(group = self.group, %error, "a rebalance failed")
            }
        }
    }

    fn commit_callback(&self, result: Result<(), KafkaError>, _: &TopicPartitionList) {
        if let Err(error) = result {
            warn!(group = self.group, %error, "committing offsets failed");
        }
    }
}
