//! What is asked of Kafka's brokers now and then: topics, lag, and whole topics for people to read.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};

use super::{Cluster, PATIENCE, record_of};
use crate::log::{Partition, Record, TopicState};
use crate::topics;

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
        .map(|(name, kept)| {
            NewTopic::new(name, partitions, TopicReplication::Fixed(replicas))
                .set("retention.ms", kept)
                .set("max.message.bytes", "8000000")
        })
        .collect();
    let options = AdminOptions::new()
        .operation_timeout(Some(PATIENCE))
        .request_timeout(Some(PATIENCE));
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

/// A consumer that reads without taking part in a group.
fn onlooker(cluster: &Cluster, group: &str) -> anyhow::Result<BaseConsumer> {
    let mut config = cluster.config.clone();
    config
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "earliest");
    Ok(config.create()?)
}

fn partitions_of(consumer: &BaseConsumer, topic: &str) -> anyhow::Result<Vec<i32>> {
    let metadata = consumer
        .fetch_metadata(Some(topic), PATIENCE)
        .context("asking Kafka for a topic")?;
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

/// Partitions that have only just been created have no leader for a moment, so what people ask for is asked again.
fn patiently<T>(ask: impl Fn() -> anyhow::Result<T>) -> anyhow::Result<T> {
    let until = Instant::now() + PATIENCE;
    loop {
        match ask() {
            Err(_) if Instant::now() < until => std::thread::sleep(Duration::from_millis(200)),
            answer => return answer,
        }
    }
}

pub(super) fn topics(cluster: &Cluster) -> anyhow::Result<Vec<TopicState>> {
    patiently(|| topics_now(cluster))
}

fn topics_now(cluster: &Cluster) -> anyhow::Result<Vec<TopicState>> {
    let consumer = onlooker(cluster, &cluster.group("people"))?;
    let mut states = Vec::new();
    for (name, _) in topics::all() {
        let there = cluster.topic(&name);
        let partitions = partitions_of(&consumer, &there)?;
        let mut records = 0;
        for partition in &partitions {
            records += consumer.fetch_watermarks(&there, *partition, PATIENCE)?.1;
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

pub(super) fn lag(
    cluster: &Cluster,
    group: &str,
    topics: &[&str],
) -> anyhow::Result<Vec<(Partition, i64)>> {
    let consumer = onlooker(cluster, &cluster.group(group))?;
    let mut wanted = TopicPartitionList::new();
    for topic in topics {
        let topic = cluster.topic(topic);
        for partition in partitions_of(&consumer, &topic)? {
            wanted.add_partition(&topic, partition);
        }
    }
    let mut lag = Vec::new();
    for place in consumer.committed_offsets(wanted, PATIENCE)?.elements() {
        let (begin, end) = consumer.fetch_watermarks(place.topic(), place.partition(), PATIENCE)?;
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

/// Reads a topic from its beginning to what is its end now.
pub(super) fn scan(cluster: &Cluster, topic: &str) -> anyhow::Result<Vec<Record>> {
    patiently(|| scan_now(cluster, topic))
}

fn scan_now(cluster: &Cluster, topic: &str) -> anyhow::Result<Vec<Record>> {
    let consumer = onlooker(cluster, &cluster.group("people"))?;
    let name: Arc<str> = topic.into();
    let topic = &*cluster.topic(topic);
    let mut assignment = TopicPartitionList::new();
    let mut ends = HashMap::new();
    for partition in partitions_of(&consumer, topic)? {
        let (begin, end) = consumer.fetch_watermarks(topic, partition, PATIENCE)?;
        if begin < end {
            assignment.add_partition_offset(topic, partition, Offset::Beginning)?;
            ends.insert(partition, end);
        }
    }
    consumer.assign(&assignment)?;
    let mut records = Vec::new();
    while !ends.is_empty() {
        let message = consumer
            .poll(PATIENCE)
            .with_context(|| format!("Kafka stopped in the middle of {topic}"))??;
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
