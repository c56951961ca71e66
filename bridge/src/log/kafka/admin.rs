//! Requests to the brokers: creates and lists topics, measures lag, and scans whole topics for operators.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};

use super::{Cluster, REQUEST_TIMEOUT, record_of};
use crate::log::{Partition, Record, TopicState};
use crate::topics;

/// Largest message that a topic accepts, in bytes; the producer has the same limit.
pub(super) const MAX_MESSAGE_BYTES: &str = "8000000";
/// Group of consumers that scan topics for operators. It commits no offsets.
const SCAN_GROUP: &str = "people";

/// Creates missing topics with these numbers of partitions and replicas.
pub(super) async fn create_topics(
    cluster: &Cluster,
    partitions: i32,
    replicas: i32,
) -> anyhow::Result<()> {
    let admin: AdminClient<DefaultClientContext> = cluster.config.create()?;
    let wanted: Vec<(String, String)> = topics::all()
        .into_iter()
        .map(|(name, days)| {
            (
                cluster.topic(&name),
                (u64::from(days) * 86_400_000).to_string(),
            )
        })
        .collect();
    let new: Vec<NewTopic<'_>> = wanted
        .iter()
        .map(|(name, retention)| {
            NewTopic::new(name, partitions, TopicReplication::Fixed(replicas))
                .set("retention.ms", retention)
                .set("max.message.bytes", MAX_MESSAGE_BYTES)
        })
        .collect();
    let options = AdminOptions::new()
        .operation_timeout(Some(REQUEST_TIMEOUT))
        .request_timeout(Some(REQUEST_TIMEOUT));
    for created in admin
        .create_topics(&new, &options)
        .await
        .context("creating topics")?
    {
        match created {
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((topic, code)) => bail!("creating the topic {topic}: {code}"),
        }
    }
    Ok(())
}

/// A consumer that does not join the group: it reads assigned partitions and the group's committed offsets.
fn standalone_consumer(cluster: &Cluster, group: &str) -> anyhow::Result<BaseConsumer> {
    let mut config = cluster.config.clone();
    config
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "earliest");
    Ok(config.create()?)
}

/// Numbers of the partitions of a topic, given by its name in Kafka; empty if it does not exist.
fn partitions_of(consumer: &BaseConsumer, topic: &str) -> anyhow::Result<Vec<i32>> {
    let metadata = consumer
        .fetch_metadata(Some(topic), REQUEST_TIMEOUT)
        .with_context(|| format!("reading the metadata of {topic} from Kafka"))?;
    let topic = metadata.topics().iter().find(|found| found.name() == topic);
    Ok(topic
        .map(|topic| {
            topic
                .partitions()
                .iter()
                .map(|partition| partition.id())
                .collect()
        })
        .unwrap_or_default())
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
        let full_name = cluster.topic(&name);
        let partitions = partitions_of(&consumer, &full_name)?;
        let mut records = 0;
        for partition in &partitions {
            records += consumer
                .fetch_watermarks(&full_name, *partition, REQUEST_TIMEOUT)?
                .1;
        }
        states.push(TopicState {
            name,
            partitions: i32::try_from(partitions.len())?,
            records,
        });
    }
    states.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(states)
}

/// Number of records that a group has not settled yet, for each partition of these topics.
pub(super) fn lag(
    cluster: &Cluster,
    group: &str,
    topics: &[&str],
) -> anyhow::Result<Vec<(Partition, i64)>> {
    let consumer = standalone_consumer(cluster, &cluster.group(group))?;
    let mut wanted = TopicPartitionList::new();
    for topic in topics {
        let topic = cluster.topic(topic);
        for partition in partitions_of(&consumer, &topic)? {
            wanted.add_partition(&topic, partition);
        }
    }
    let mut lag = Vec::new();
    for place in consumer
        .committed_offsets(wanted, REQUEST_TIMEOUT)?
        .elements()
    {
        let (begin, end) =
            consumer.fetch_watermarks(place.topic(), place.partition(), REQUEST_TIMEOUT)?;
        let settled = if let Offset::Offset(offset) = place.offset() {
            offset.max(begin)
        } else {
            begin
        };
        lag.push((
            cluster.partition(place.topic(), place.partition()),
            end - settled,
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
    let topic = &*cluster.topic(topic);
    let mut assignment = TopicPartitionList::new();
    let mut ends = HashMap::new();
    for partition in partitions_of(&consumer, topic)? {
        let (begin, end) = consumer.fetch_watermarks(topic, partition, REQUEST_TIMEOUT)?;
        if begin < end {
            assignment.add_partition_offset(topic, partition, Offset::Beginning)?;
            ends.insert(partition, end);
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
