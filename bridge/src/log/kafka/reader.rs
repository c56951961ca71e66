//! Reads Kafka for a group: one librdkafka consumer on a thread of its own.
//!
//! Before a rebalance takes a partition away, dispatch settles what is in flight and the offset is committed.

mod group_context;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};
use tokio::sync::mpsc;
use tracing::{debug, info, warn};

use self::group_context::{GroupContext, Marks};
use super::admin::{MAX_MESSAGE_BYTES, committed, standalone_consumer};
use super::{Cluster, REQUEST_TIMEOUT, offsets, record_of};
use crate::groups::{Group, Start};
use crate::log::{DELIVERY_BYTES, Delivery, Mark, Partition, Pause, Reading, Record};
use crate::policy;

/// How long a poll waits for the first record. Partitions are paused and offsets are committed between two polls.
const POLL_TIMEOUT: Duration = Duration::from_millis(20);
/// How long a poll waits once no record has come for [`IDLE_AFTER`].
const IDLE_POLL_TIMEOUT: Duration = Duration::from_millis(400);
const IDLE_AFTER: Duration = Duration::from_secs(1);
/// Maximum number of records in one delivery.
const BATCH: usize = 500;
const COMMIT_INTERVAL: Duration = Duration::from_millis(200);
/// How often a consumer that receives nothing is checked. If two checks in a row find it stalled, it is replaced.
const STALL_CHECK: Duration = Duration::from_secs(5);
/// How long a broker waits for a record before it answers a request to fetch. It answers no other request of the connection meanwhile.
const FETCH_WAIT_MS: &str = "500";
/// Time limit of a request for watermarks, or for the committed offsets of newly assigned partitions. Longer than [`FETCH_WAIT_MS`].
const WATERMARK_TIMEOUT: Duration = Duration::from_secs(1);
/// Time limit of a request on a connection that is perhaps opened first, after a pause of up to 2 s (`reconnect.backoff.max.ms`).
const RECONNECT_TIMEOUT: Duration = Duration::from_millis(2500);
/// Time limit of the request that checks the coordinator. A busy coordinator answers late, and must not count as lost.
const COORDINATOR_TIMEOUT: Duration = Duration::from_secs(3);
/// How often it is tried to compare the committed offsets of assigned partitions with where they start.
const START_CHECK: Duration = Duration::from_secs(1);

/// The reading end of a [`crate::log::Consumer`].
pub(super) struct Reader {
    config: ClientConfig,
    reading: Reading,
    context: GroupContext,
    pause: Pause,
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
            // The same member gets partition n of every topic, so that one user's events are in one place.
            .set("partition.assignment.strategy", "range")
            .set("session.timeout.ms", "6000")
            .set("heartbeat.interval.ms", "1500")
            .set("fetch.wait.max.ms", FETCH_WAIT_MS)
            .set("fetch.error.backoff.ms", "100")
            .set("queued.max.messages.kbytes", "8192")
            .set("fetch.max.bytes", MAX_MESSAGE_BYTES)
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
            rebalances: reading
                .metrics
                .rebalances
                .with_label_values(&[reading.group.name]),
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
                self.reading
                    .health
                    .down(&self.reading.health_part(), format!("{failed:#}"));
                std::thread::sleep(policy::backoff(100, failures, 2_000));
            }
        }
    }

    /// Reads until `stop` is cancelled or the consumer fails. Dropping the consumer then revokes its partitions.
    fn read(&self) -> anyhow::Result<()> {
        let consumer: BaseConsumer<GroupContext> =
            self.config.create_with_context(self.context.clone())?;
        if self.reading.group.start == Start::Now {
            start_now(&self.context.cluster, self.reading.group)?;
        }
        let cluster = &self.context.cluster;
        let names: Vec<String> = self
            .reading
            .group
            .topics
            .iter()
            .map(|topic| cluster.topic(topic))
            .collect();
        consumer.subscribe(&names.iter().map(String::as_str).collect::<Vec<_>>())?;
        self.reading.health.up(&self.reading.health_part());
        let topics: HashMap<String, Arc<str>> = self
            .reading
            .group
            .topics
            .iter()
            .map(|topic| (cluster.topic(topic), Arc::from(*topic)))
            .collect();
        let (mut paused, mut was_stalled) = (false, false);
        let mut paused_partitions = Arc::<BTreeSet<Partition>>::default();
        let (mut last_commit, mut last_received) = (Instant::now(), Instant::now());
        let mut last_stall_check = Instant::now();
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
            let is_idle = last_received.elapsed() >= IDLE_AFTER;
            let wait = if is_idle {
                IDLE_POLL_TIMEOUT
            } else {
                POLL_TIMEOUT
            };
            let records = self.poll(&consumer, &topics, wait)?;
            if last_start_check.is_none_or(|at: Instant| at.elapsed() >= START_CHECK)
                && self.check_starts(&consumer)
            {
                last_start_check = Some(Instant::now());
            }
            self.check_gaps(&records);
            if !records.is_empty() {
                (last_received, was_stalled) = (Instant::now(), false);
                self.context.deliver(Delivery::Records(records))?;
            } else if paused {
                last_received = Instant::now();
            } else if last_received.max(last_stall_check).elapsed() > STALL_CHECK {
                last_stall_check = Instant::now();
                // One check is not enough: records may be on their way at that moment, or the coordinator is about to start.
                let stall = self.stall(&consumer)?;
                if let (Some(stall), true) = (stall, was_stalled) {
                    anyhow::bail!("{stall}");
                }
                was_stalled = stall.is_some();
            }
            if last_commit.elapsed() >= COMMIT_INTERVAL {
                last_commit = Instant::now();
                self.context.commit(&consumer, CommitMode::Async);
            }
        }
        Ok(())
    }

    /// The records that have arrived, up to [`BATCH`]. `wait` is how long to wait for the first one.
    fn poll(
        &self,
        consumer: &BaseConsumer<GroupContext>,
        topics: &HashMap<String, Arc<str>>,
        mut wait: Duration,
    ) -> anyhow::Result<Vec<Record>> {
        let mut records = Vec::new();
        let mut bytes = 0;
        while records.len() < BATCH && bytes < DELIVERY_BYTES {
            match consumer.poll(wait) {
                Some(Ok(message)) => {
                    bytes += message.payload_len();
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
        let starts = match offsets::at(consumer, &committed, Offset::Beginning, WATERMARK_TIMEOUT) {
            Ok(starts) => starts,
            Err(error) => {
                debug!(group = self.context.group, %error, "the starts of partitions cannot be read yet");
                return true;
            }
        };
        for (place, start) in committed.elements().iter().zip(starts) {
            let partition = self
                .context
                .cluster
                .partition(place.topic(), place.partition());
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

    /// Why the consumer is stalled; `None` if it is not, or if the brokers do not answer.
    fn stall(&self, consumer: &BaseConsumer<GroupContext>) -> anyhow::Result<Option<&'static str>> {
        Ok(if self.has_lag(consumer)? {
            Some("the consumer has lag and receives no records")
        } else if self.has_lost_coordinator(consumer) {
            Some("the consumer does not reach the coordinator of its group")
        } else {
            None
        })
    }

    /// True if the brokers answer this consumer and the coordinator of its group does not. After a restart of the coordinator,
    /// librdkafka sometimes does not connect to it again. The consumer then gets no partitions. Whether librdkafka reports that the request
    /// timed out, that it was never sent, or something else, a new consumer helps. It does not help if a right is missing.
    fn has_lost_coordinator(&self, consumer: &BaseConsumer<GroupContext>) -> bool {
        let Some(topic) = self.reading.group.topics.first() else {
            return false;
        };
        let topic = self.context.cluster.topic(topic);
        let mut wanted = TopicPartitionList::with_capacity(1);
        wanted.add_partition(&topic, 0);
        let Err(error) = consumer.committed_offsets(wanted, COORDINATOR_TIMEOUT) else {
            return false;
        };
        // A connection that nothing has used since the restart is opened first.
        let brokers = consumer.fetch_watermarks(&topic, 0, RECONNECT_TIMEOUT);
        info!(
            group = self.context.group,
            %error,
            brokers_answer = brokers.is_ok(),
            "the coordinator of the group does not answer"
        );
        brokers.is_ok()
            && error.rdkafka_error_code() != Some(RDKafkaErrorCode::GroupAuthorizationFailed)
    }

    /// True if an assigned partition that is not paused holds records that this consumer has not received.
    fn has_lag(&self, consumer: &BaseConsumer<GroupContext>) -> anyhow::Result<bool> {
        let paused = self.pause.partitions();
        let mut positions = TopicPartitionList::new();
        for place in consumer.position()?.elements() {
            let (topic, number) = (place.topic(), place.partition());
            if !paused.contains(&self.context.cluster.partition(topic, number)) {
                positions.add_partition_offset(topic, number, place.offset())?;
            }
        }
        let Ok(ends) = offsets::at(consumer, &positions, Offset::End, WATERMARK_TIMEOUT) else {
            // The brokers do not answer; a new consumer would not help.
            return Ok(false);
        };
        let positions = positions.elements();
        Ok(positions.iter().zip(ends).any(
            |(place, end)| matches!(place.offset(), Offset::Offset(position) if position < end),
        ))
    }
}

/// Commits the end of every partition that the group has never read, so that it begins there. If the group has members
/// already, Kafka refuses that, and they have done it.
fn start_now(cluster: &Cluster, group: &Group) -> anyhow::Result<()> {
    let consumer = standalone_consumer(cluster, &cluster.group(group.name))?;
    let mut new = TopicPartitionList::new();
    for place in committed(&consumer, cluster, group.topics)?.elements() {
        if place.offset() == Offset::Invalid {
            new.add_partition(place.topic(), place.partition());
        }
    }
    let ends = offsets::at(&consumer, &new, Offset::End, REQUEST_TIMEOUT)?;
    for (place, end) in new.elements().iter_mut().zip(ends) {
        place.set_offset(Offset::Offset(end))?;
    }
    if new.count() > 0
        && let Err(error) = consumer.commit(&new, CommitMode::Sync)
    {
        debug!(group = group.name, %error, "the start of the group is not set");
    }
    Ok(())
}
