//! What a consumer's thread shares with librdkafka's callbacks. Around a rebalance they settle, commit and hand over.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use prometheus::IntCounter;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _, ConsumerContext, Rebalance};
use rdkafka::error::KafkaError;
use rdkafka::{ClientContext, Offset, TopicPartitionList};
use tokio::sync::{mpsc, oneshot};
use tracing::{error, info, warn};

use crate::log::kafka::Cluster;
use crate::log::kafka::reports::Reports;
use crate::log::{Delivery, Mark, Partition};

/// What the reader's thread shares with librdkafka's callbacks: both deliver to dispatch and commit offsets.
#[derive(Clone)]
pub(super) struct GroupContext {
    pub cluster: Cluster,
    pub group: &'static str,
    pub rebalances: IntCounter,
    pub deliveries: mpsc::Sender<Delivery>,
    pub marks: Arc<Mutex<Marks>>,
}

pub(super) struct Marks {
    pub received: mpsc::UnboundedReceiver<Vec<Mark>>,
    /// Marks that are not committed yet.
    pub uncommitted: HashMap<Partition, i64>,
    pub assigned: HashSet<Partition>,
    /// Assigned partitions whose committed offset was not compared with where the partition starts yet.
    pub unchecked: HashSet<Partition>,
    /// Offset that the next record of an assigned partition should have.
    pub next: HashMap<Partition, i64>,
}

impl GroupContext {
    pub fn deliver(&self, delivery: Delivery) -> anyhow::Result<()> {
        self.deliveries
            .blocking_send(delivery)
            .ok()
            .context("dispatch has ended")
    }

    pub fn marks(&self) -> MutexGuard<'_, Marks> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Commits the marks received since the last commit.
    pub fn commit(&self, consumer: &BaseConsumer<Self>, mode: CommitMode) {
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
    pub fn commit_again(&self, failed: impl IntoIterator<Item = (Partition, i64)>) {
        let mut marks = self.marks();
        for (partition, next) in failed {
            if marks.assigned.contains(&partition) {
                // A newer mark stays.
                marks.uncommitted.entry(partition).or_insert(next);
            }
        }
    }

    /// The partitions as librdkafka takes them.
    pub fn list<'a>(&self, partitions: impl Iterator<Item = &'a Partition>) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        for partition in partitions {
            list.add_partition(&self.cluster.topic(&partition.topic), partition.number);
        }
        list
    }

    pub fn note_assigned(&self, partitions: &[Partition]) {
        let mut marks = self.marks();
        for partition in partitions {
            marks.assigned.insert(partition.clone());
            marks.unchecked.insert(partition.clone());
        }
    }

    /// The partitions of a list that librdkafka made.
    pub fn partitions(&self, list: &TopicPartitionList) -> Vec<Partition> {
        let elements = list.elements();
        elements
            .iter()
            .map(|place| self.cluster.partition(place.topic(), place.partition()))
            .collect()
    }
}

impl ClientContext for GroupContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        Reports.log(level, facility, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        Reports.error(error, reason);
    }
}

impl ConsumerContext for GroupContext {
    /// Runs before partitions are revoked: waits until dispatch has settled what is in flight, then commits.
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let Rebalance::Revoke(list) = rebalance else {
            return;
        };
        let revoked = self.partitions(list);
        let partitions = revoked.clone();
        self.rebalances.inc();
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
                self.rebalances.inc();
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
    use rdkafka::ClientConfig;

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
            rebalances: IntCounter::new("rebalances", "for the test").unwrap(),
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
