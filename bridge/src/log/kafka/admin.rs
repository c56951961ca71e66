//! Requests to the brokers: creates and lists topics, measures lag, and scans whole topics for operators.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};
use tracing::{debug, warn};

use super::reports::Reports;
use super::{Cluster, REQUEST_TIMEOUT, offsets, record_of};
use crate::groups::Group;
use crate::log::{Partition, Record, TopicState};
use crate::topics;

/// Largest message that a topic accepts, in bytes; the producer has the same limit.
pub(super) const MAX_MESSAGE_BYTES: &str = "8000000";
/// From this number of replicas on, an acknowledgement means that two brokers have the record, and one may be away.
const MANY_REPLICAS: i32 = 3;
const MIN_IN_SYNC: &str = "min.insync.replicas";
const MIN_IN_SYNC_WANTED: &str = "2";
/// How long a poll waits for the reports of an observer. It is the shortest time that librdkafka can wait.
const REPORTS_WITHIN: Duration = Duration::from_millis(1);
/// Group of consumers that scan topics for operators. It commits no offsets.
const SCAN_GROUP: &str = "people";

/// A topic that the bridge needs, by its name in Kafka.
struct Wanted {
    name: String,
    retention_ms: u64,
}

/// Creates missing topics with these numbers of partitions and replicas, and warns about existing ones that can lose
/// events.
///
/// Asks first which topics exist, because a bridge may lack the right to create topics that somebody else has created.
pub(super) async fn create_topics(
    cluster: &Cluster,
    partitions: i32,
    replicas: i32,
) -> anyhow::Result<()> {
    let admin: AdminClient<Reports> = cluster.config.create_with_context(Reports)?;
    let wanted: Vec<Wanted> = topics::all()
        .into_iter()
        .map(|(name, days)| Wanted {
            name: cluster.topic(&name),
            retention_ms: u64::from(days) * 86_400_000,
        })
        .collect();
    let lister = cluster.clone();
    let existing = tokio::task::spawn_blocking(move || existing(&lister)).await??;
    let missing = wanted
        .iter()
        .filter(|topic| !existing.contains_key(&topic.name));
    create(&admin, missing, partitions, replicas).await?;
    let replicas_of = |topic: &Wanted| existing.get(&topic.name).copied().unwrap_or(replicas);
    let single: Vec<&str> = wanted
        .iter()
        .filter(|topic| replicas_of(topic) == 1)
        .map(|topic| topic.name.as_str())
        .collect();
    if !single.is_empty() {
        warn!(
            topics = ?single,
            "topics with one replica: the loss of one Kafka broker loses events; create topics with TOPIC_REPLICAS=3"
        );
    }
    let existing: Vec<(&Wanted, i32)> = wanted
        .iter()
        .filter_map(|topic| Some((topic, *existing.get(&topic.name)?)))
        .collect();
    if let Err(error) = check_settings(&admin, &existing).await {
        debug!(
            error = format!("{error:#}"),
            "the settings of the topics cannot be read"
        );
    }
    Ok(())
}

/// The topics that exist in Kafka, each with its number of replicas.
fn existing(cluster: &Cluster) -> anyhow::Result<HashMap<String, i32>> {
    let consumer = standalone_consumer(cluster, &cluster.group(SCAN_GROUP))?;
    let metadata = consumer
        .fetch_metadata(None, REQUEST_TIMEOUT)
        .context("listing the topics in Kafka")?;
    let topics = metadata.topics().iter();
    topics
        .map(|topic| {
            let replicas = topic
                .partitions()
                .iter()
                .map(|partition| partition.replicas().len());
            Ok((
                topic.name().to_owned(),
                i32::try_from(replicas.min().unwrap_or(0))?,
            ))
        })
        .collect()
}

async fn create(
    admin: &AdminClient<Reports>,
    topics: impl Iterator<Item = &Wanted>,
    partitions: i32,
    replicas: i32,
) -> anyhow::Result<()> {
    let topics: Vec<(&str, String)> = topics
        .map(|topic| (topic.name.as_str(), topic.retention_ms.to_string()))
        .collect();
    if topics.is_empty() {
        return Ok(());
    }
    let new = topics.iter().map(|(name, retention)| {
        let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(replicas))
            .set("retention.ms", retention)
            .set("max.message.bytes", MAX_MESSAGE_BYTES);
        if replicas >= MANY_REPLICAS {
            topic.set(MIN_IN_SYNC, MIN_IN_SYNC_WANTED)
        } else {
            topic
        }
    });
    let created = admin
        .create_topics(&new.collect::<Vec<_>>(), &options())
        .await
        .context("creating topics")?;
    let refused: Vec<String> = created
        .into_iter()
        .filter_map(|created| match created {
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => None,
            Err((topic, code)) => Some(format!("{topic}: {code}")),
        })
        .collect();
    ensure!(
        refused.is_empty(),
        "Kafka does not let this bridge create missing topics: {}",
        refused.join(", ")
    );
    Ok(())
}

/// Warns about topics that an earlier release or somebody else created with settings that can lose events.
async fn check_settings(
    admin: &AdminClient<Reports>,
    topics: &[(&Wanted, i32)],
) -> anyhow::Result<()> {
    let resources: Vec<ResourceSpecifier<'_>> = topics
        .iter()
        .map(|(topic, _)| ResourceSpecifier::Topic(&topic.name))
        .collect();
    if resources.is_empty() {
        return Ok(());
    }
    let described = admin.describe_configs(&resources, &options()).await?;
    for ((topic, replicas), described) in topics.iter().zip(described) {
        let described = described?;
        let setting = |name: &str| described.get(name)?.value.as_deref()?.parse::<i64>().ok();
        let retention = setting("retention.ms").unwrap_or(-1);
        if (0..i64::try_from(topic.retention_ms)?).contains(&retention) {
            warn!(
                topic = topic.name,
                retention_ms = retention,
                wanted = topic.retention_ms,
                "a topic keeps its records too short: agents that are away for longer lose events; raise retention.ms"
            );
        }
        if *replicas >= MANY_REPLICAS && setting(MIN_IN_SYNC) == Some(1) {
            warn!(
                topic = topic.name,
                "a topic acknowledges what a single broker has: set min.insync.replicas to 2"
            );
        }
    }
    Ok(())
}

fn options() -> AdminOptions {
    AdminOptions::new()
        .operation_timeout(Some(REQUEST_TIMEOUT))
        .request_timeout(Some(REQUEST_TIMEOUT))
}

/// A consumer that does not join the group: it reads assigned partitions and the group's committed offsets.
pub(super) fn standalone_consumer(
    cluster: &Cluster,
    group: &str,
) -> anyhow::Result<BaseConsumer<Reports>> {
    let mut config = cluster.config.clone();
    config
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "earliest");
    Ok(config.create_with_context(Reports)?)
}

/// The partitions of topics, given by their names in Kafka. A topic that does not exist has none.
fn partitions_of(
    consumer: &BaseConsumer<Reports>,
    topics: &[String],
) -> anyhow::Result<TopicPartitionList> {
    let mut partitions = TopicPartitionList::new();
    for topic in topics {
        let metadata = consumer
            .fetch_metadata(Some(topic), REQUEST_TIMEOUT)
            .with_context(|| format!("reading the metadata of {topic} from Kafka"))?;
        for found in metadata.topics().iter().filter(|t| t.name() == topic) {
            for partition in found.partitions() {
                partitions.add_partition(topic, partition.id());
            }
        }
    }
    Ok(partitions)
}

/// Retries a request until [`REQUEST_TIMEOUT`] is over: partitions that were created just now have no leader yet.
fn retried<T>(request: impl Fn() -> anyhow::Result<T>) -> anyhow::Result<T> {
    let until = Instant::now() + REQUEST_TIMEOUT;
    loop {
        match request() {
            Err(_) if Instant::now() < until => std::thread::sleep(Duration::from_millis(200)),
            answer => return answer,
        }
    }
}

/// The topics that the bridge knows, sorted by name.
pub(super) fn topics(cluster: &Cluster) -> anyhow::Result<Vec<TopicState>> {
    retried(|| topics_now(cluster))
}

fn topics_now(cluster: &Cluster) -> anyhow::Result<Vec<TopicState>> {
    let consumer = standalone_consumer(cluster, &cluster.group(SCAN_GROUP))?;
    let mut states = Vec::new();
    for (name, _) in topics::all() {
        let partitions = partitions_of(&consumer, &[cluster.topic(&name)])?;
        let ends = offsets::at(&consumer, &partitions, Offset::End, REQUEST_TIMEOUT)?;
        states.push(TopicState {
            name,
            partitions: i32::try_from(ends.len())?,
            records: ends.iter().sum(),
        });
    }
    states.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(states)
}

/// The offsets that the consumer's group has committed, for every partition of these topics.
pub(super) fn committed(
    consumer: &BaseConsumer<Reports>,
    cluster: &Cluster,
    topics: &[&str],
) -> anyhow::Result<TopicPartitionList> {
    let topics: Vec<String> = topics.iter().map(|topic| cluster.topic(topic)).collect();
    let partitions = partitions_of(consumer, &topics)?;
    Ok(consumer.committed_offsets(partitions, REQUEST_TIMEOUT)?)
}

fn extents(
    consumer: &BaseConsumer<Reports>,
    cluster: &Cluster,
    topics: &[String],
) -> anyhow::Result<Vec<(Partition, Range<i64>)>> {
    let topics: Vec<String> = topics.iter().map(|topic| cluster.topic(topic)).collect();
    let partitions = partitions_of(consumer, &topics)?;
    let extents = offsets::extents(consumer, &partitions, REQUEST_TIMEOUT)?;
    let places = partitions.elements();
    let places = places
        .iter()
        .map(|p| cluster.partition(p.topic(), p.partition()));
    Ok(places.zip(extents).collect())
}

/// The consumers of periodic measurements, one for each group. They do not join their groups. They are kept between two measurements, because
/// a new consumer costs threads and connections.
#[derive(Clone, Default)]
pub(super) struct Observers(Arc<Mutex<HashMap<&'static str, BaseConsumer<Reports>>>>);

impl Observers {
    /// Number of records that a group has not settled yet, for each partition of its topics.
    ///
    /// # Errors
    /// When a broker does not answer. The next measurement has a new consumer then.
    pub fn lag(&self, cluster: &Cluster, group: &Group) -> anyhow::Result<Vec<(Partition, i64)>> {
        self.measure(cluster, group.name, |consumer| {
            lag(consumer, cluster, group.topics)
        })
    }

    /// The offsets of the oldest record and after the newest, for each partition of these topics.
    ///
    /// # Errors
    /// As [`Observers::lag`].
    pub fn extents(
        &self,
        cluster: &Cluster,
        topics: &[String],
    ) -> anyhow::Result<Vec<(Partition, Range<i64>)>> {
        // Each consumer can do this.
        let known = self.consumers().keys().next().copied();
        self.measure(cluster, known.unwrap_or(SCAN_GROUP), |consumer| {
            extents(consumer, cluster, topics)
        })
    }

    fn measure<T>(
        &self,
        cluster: &Cluster,
        group: &'static str,
        measured: impl FnOnce(&BaseConsumer<Reports>) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let known = self.consumers().remove(group);
        let consumer = match known {
            Some(consumer) => consumer,
            None => standalone_consumer(cluster, &cluster.group(group))?,
        };
        let measured = measured(&consumer)?;
        // What librdkafka reports stays in its queue until a poll takes it.
        while consumer.poll(REPORTS_WITHIN).is_some() {}
        self.consumers().insert(group, consumer);
        Ok(measured)
    }

    fn consumers(&self) -> MutexGuard<'_, HashMap<&'static str, BaseConsumer<Reports>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lag(
    consumer: &BaseConsumer<Reports>,
    cluster: &Cluster,
    topics: &[&str],
) -> anyhow::Result<Vec<(Partition, i64)>> {
    let mut lag = Vec::new();
    let committed = committed(consumer, cluster, topics)?;
    let extents = offsets::extents(consumer, &committed, REQUEST_TIMEOUT)?;
    for (place, extent) in committed.elements().iter().zip(extents) {
        let settled = match place.offset() {
            Offset::Offset(offset) => offset.max(extent.start),
            _ => extent.start,
        };
        lag.push((
            cluster.partition(place.topic(), place.partition()),
            extent.end - settled,
        ));
    }
    Ok(lag)
}

/// Every record that a topic holds now, oldest first.
pub(super) fn scan(cluster: &Cluster, topic: &str) -> anyhow::Result<Vec<Record>> {
    retried(|| scan_now(cluster, topic))
}

fn scan_now(cluster: &Cluster, topic: &str) -> anyhow::Result<Vec<Record>> {
    let consumer = standalone_consumer(cluster, &cluster.group(SCAN_GROUP))?;
    let name: Arc<str> = topic.into();
    let mut assignment = TopicPartitionList::new();
    let mut ends = HashMap::new();
    let partitions = partitions_of(&consumer, &[cluster.topic(topic)])?;
    let extents = offsets::extents(&consumer, &partitions, REQUEST_TIMEOUT)?;
    for (place, extent) in partitions.elements().iter().zip(extents) {
        if !extent.is_empty() {
            assignment.add_partition_offset(place.topic(), place.partition(), Offset::Beginning)?;
            ends.insert(place.partition(), extent.end);
        }
    }
    consumer.assign(&assignment)?;
    let mut records = Vec::new();
    while !ends.is_empty() {
        let message = consumer
            .poll(REQUEST_TIMEOUT)
            .with_context(|| format!("Kafka sent no more records of {topic}"))??;
        let record = record_of(&message, name.clone());
        if ends
            .get(&record.partition.number)
            .is_some_and(|end| record.offset + 1 >= *end)
        {
            ends.remove(&record.partition.number);
        }
        records.push(record);
    }
    records.sort_by_key(|record| record.appended_at);
    Ok(records)
}
