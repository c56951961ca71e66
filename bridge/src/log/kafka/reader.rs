//! Reads Kafka for a group: one librdkafka consumer on a thread of its own.
//!
//! Before a rebalance takes a partition away, dispatch settles what is in flight and the offset is committed.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _, ConsumerContext, Rebalance};
use rdkafka::error::KafkaError;
use rdkafka::{ClientConfig, ClientContext, Message, Offset, TopicPartitionList};
use tokio::sync::{mpsc, oneshot};
use tracing::{debug, error, info, warn};

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
/// Time limit of a request for watermarks or committed offsets while reading.
const WATERMARK_TIMEOUT: Duration = Duration::from_secs(1);
/// How often it is tried to compare the committed offsets of assigned partitions with where they start.
const START_CHECK: Duration = Duration::from_secs(1);

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
    assigned: HashSet<Partition>,
    /// Assigned partitions whose committed offset was not compared with where the partition starts yet.
    unchecked: HashSet<Partition>,
    /// Offset that the next record of an assigned partition should have.
    next: HashMap<Partition, i64>,
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
            assigned: HashSet::new(),
            unchecked: HashSet::new(),
            next: HashMap::new(),
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
        let mut last_start_check = None;
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
            if last_start_check.is_none_or(|at: Instant| at.elapsed() >= START_CHECK)
                && self.check_starts(&consumer)
            {
                last_start_check = Some(Instant::now());
            }
            self.check_gaps(&records);
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

    /// Compares the committed offsets of newly assigned partitions with where the partitions start. What could not be
    /// compared is tried again later. True if there was something to compare.
    fn check_starts(&self, consumer: &BaseConsumer<GroupContext>) -> bool {
        let unchecked: Vec<Partition> = self.context.marks().unchecked.iter().cloned().collect();
        if unchecked.is_empty() {
            return false;
        }
        let mut wanted = TopicPartitionList::with_capacity(unchecked.len());
        for partition in &unchecked {
            let topic = self.context.cluster.topic(&partition.topic);
            wanted.add_partition(&topic, partition.number);
        }
        let committed = match consumer.committed_offsets(wanted, WATERMARK_TIMEOUT) {
            Ok(committed) => committed,
            Err(error) => {
                debug!(group = self.context.group, %error, "committed offsets cannot be read yet");
                return true;
            }
        };
        for place in committed.elements() {
            let partition = self
                .context
                .cluster
                .partition(place.topic(), place.partition());
            let Ok((start, _)) =
                consumer.fetch_watermarks(place.topic(), place.partition(), WATERMARK_TIMEOUT)
            else {
                continue;
            };
            let mut marks = self.context.marks();
            if !marks.unchecked.remove(&partition) {
                continue;
            }
            if let Offset::Offset(next) = place.offset() {
                marks
                    .next
                    .entry(partition.clone())
                    .or_insert(next.max(start));
                drop(marks);
                if next < start {
                    self.reading.report_missed(&partition, next, start);
                }
            }
        }
        true
    }

    /// Reports records that retention removed while this consumer was behind. Nothing but retention leaves a gap: the
    /// producers use no transactions, and the topics are not compacted.
    fn check_gaps(&self, records: &[Record]) {
        let mut marks = self.context.marks();
        for record in records {
            let next = record.offset + 1;
            match marks.next.insert(record.partition.clone(), next) {
                Some(expected) if expected < record.offset => {
                    self.reading
                        .report_missed(&record.partition, expected, record.offset);
                }
                _ => {}
            }
        }
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

    fn marks(&self) -> MutexGuard<'_, Marks> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Commits the marks received since the last commit.
    fn commit(&self, consumer: &BaseConsumer<Self>, mode: CommitMode) {
        let uncommitted = {
            let mut marks = self.marks();
            while let Ok(received) = marks.received.try_recv() {
                for mark in received {
                    marks.uncommitted.insert(mark.partition, mark.next);
                }
            }
            std::mem::take(&mut marks.uncommitted)
        };
        if uncommitted.is_empty() {
            return;
        }
        let mut offsets = TopicPartitionList::with_capacity(uncommitted.len());
        for (partition, next) in &uncommitted {
            if let Err(error) = offsets.add_partition_offset(
                &self.cluster.topic(&partition.topic),
                partition.number,
                Offset::Offset(*next),
            ) {
                error!(%error, "an offset is not valid for Kafka and is not committed");
            }
        }
        if let Err(error) = consumer.commit(&offsets, mode) {
            warn!(group = self.group, %error, "committing offsets failed and is retried");
            self.commit_again(uncommitted);
        }
    }

    /// Takes marks back whose commit failed, and commits them the next time, also where their partitions are idle. Until
    /// then a restart would only repeat events.
    fn commit_again(&self, failed: impl IntoIterator<Item = (Partition, i64)>) {
        let mut marks = self.marks();
        for (partition, next) in failed {
            if marks.assigned.contains(&partition) {
                // A newer mark stays.
                marks.uncommitted.entry(partition).or_insert(next);
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

    fn note_assigned(&self, partitions: &[Partition]) {
        let mut marks = self.marks();
        for partition in partitions {
            marks.assigned.insert(partition.clone());
            marks.unchecked.insert(partition.clone());
        }
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
        let revoked = self.partitions(list);
        let partitions = revoked.clone();
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
        let mut marks = self.marks();
        for partition in &revoked {
            marks.assigned.remove(partition);
            marks.unchecked.remove(partition);
            marks.next.remove(partition);
            marks.uncommitted.remove(partition);
        }
    }

    fn post_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(list) => {
                let partitions = self.partitions(list);
                info!(group = self.group, ?partitions, "partitions assigned");
                self.note_assigned(&partitions);
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

    fn commit_callback(&self, result: Result<(), KafkaError>, offsets: &TopicPartitionList) {
        if let Err(error) = &result {
            warn!(group = self.group, %error, "committing offsets failed and is retried");
        }
        let elements = offsets.elements();
        let failed = elements
            .iter()
            .filter(|place| result.is_err() || place.error().is_err());
        self.commit_again(failed.filter_map(|place| {
            let Offset::Offset(next) = place.offset() else {
                return None;
            };
            Some((
                self.cluster.partition(place.topic(), place.partition()),
                next,
            ))
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A mark of an idle partition comes only once, so nothing else would commit it later.
    #[test]
    fn marks_whose_commit_failed_are_committed_again_unless_newer_or_revoked() {
        let (deliveries, _kept) = mpsc::channel(1);
        let (_sender, received) = mpsc::unbounded_channel();
        let context = GroupContext {
            cluster: Cluster {
                config: ClientConfig::new(),
                prefix: "test.".to_owned(),
            },
            group: "audit",
            deliveries,
            marks: Arc::new(Mutex::new(Marks {
                received,
                uncommitted: HashMap::new(),
                assigned: HashSet::new(),
                unchecked: HashSet::new(),
                next: HashMap::new(),
            })),
        };
        let partition = |number| Partition {
            topic: "task-events".into(),
            number,
        };
        context.note_assigned(&[partition(0), partition(1)]);
        context.marks().uncommitted.insert(partition(1), 30);
        let mut offsets = TopicPartitionList::new();
        for number in 0..3 {
            let offset = Offset::Offset(20);
            offsets
                .add_partition_offset("test.task-events", number, offset)
                .unwrap();
        }
        let away = KafkaError::ConsumerCommit(rdkafka::types::RDKafkaErrorCode::NotCoordinator);
        context.commit_callback(Err(away), &offsets);
        let uncommitted = context.marks().uncommitted.clone();
        assert_eq!(
            uncommitted,
            HashMap::from([(partition(0), 20), (partition(1), 30)])
        );
        context.marks().uncommitted.clear();
        context.commit_callback(Ok(()), &offsets);
        assert!(context.marks().uncommitted.is_empty());
    }
}
