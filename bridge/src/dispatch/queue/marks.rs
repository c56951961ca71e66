//! Owns the marks: for each partition, the offset before which every record is settled.

use std::collections::{HashMap, VecDeque};
use std::time::SystemTime;

use crate::log::{Mark, Partition, Record};

#[derive(Debug, Default)]
pub struct Marks {
    partitions: HashMap<Partition, Progress>,
    /// Partitions whose mark has moved since the last [`Marks::take`].
    moved: Vec<Partition>,
}

#[derive(Debug, Default)]
struct Progress {
    /// The records from the first unsettled one on, in order of offset. Kafka's offsets have gaps.
    records: VecDeque<Unsettled>,
    /// The mark: the offset after the last record of the settled run.
    next: i64,
    /// The mark that was last taken.
    taken: i64,
}

/// A record that the mark has not passed.
#[derive(Debug)]
struct Unsettled {
    offset: i64,
    appended_at: SystemTime,
    /// Whether it is settled, and only an earlier one is not.
    settled: bool,
}

impl Marks {
    /// A record was read. The mark stays before it until it is settled.
    pub fn read(&mut self, record: &Record) {
        let progress = self.partitions.entry(record.partition.clone());
        progress.or_default().records.push_back(Unsettled {
            offset: record.offset,
            appended_at: record.appended_at,
            settled: false,
        });
    }

    /// When the oldest record that is not settled was appended to the log.
    pub fn oldest(&self) -> Option<SystemTime> {
        let partitions = self.partitions.values();
        let first = partitions.filter_map(|progress| progress.records.front());
        first.map(|record| record.appended_at).min()
    }

    /// A record needs no more work. The mark moves past it once all records before it are settled.
    pub fn settle(&mut self, partition: &Partition, offset: i64) {
        let Some(progress) = self.partitions.get_mut(partition) else {
            return;
        };
        let index = progress
            .records
            .binary_search_by_key(&offset, |record| record.offset);
        if let Some(record) = index.ok().and_then(|index| progress.records.get_mut(index)) {
            record.settled = true;
        }
        let before = progress.next;
        while let Some(record) = progress.records.pop_front_if(|record| record.settled) {
            progress.next = record.offset + 1;
        }
        if progress.next != before {
            self.moved.push(partition.clone());
        }
    }

    /// Forgets partitions that are read elsewhere from now on.
    pub fn forget(&mut self, partitions: &[Partition]) {
        for partition in partitions {
            self.partitions.remove(partition);
        }
    }

    /// The marks that have moved since the last call.
    pub fn take(&mut self) -> Vec<Mark> {
        let mut marks = Vec::new();
        for partition in std::mem::take(&mut self.moved) {
            if let Some(progress) = self.partitions.get_mut(&partition)
                && progress.next > progress.taken
            {
                progress.taken = progress.next;
                marks.push(Mark {
                    partition,
                    next: progress.next,
                });
            }
        }
        marks
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::queue::tests::harness::{Body, record};

    #[test]
    fn a_mark_waits_for_the_first_unsettled_record() {
        let partition = Partition {
            topic: "t".into(),
            number: 0,
        };
        let mut marks = Marks::default();
        for offset in [3, 4, 9] {
            let body = Body { user: 1, seq: 0 };
            marks.read(&record(partition.clone(), offset, body, 0));
        }
        marks.settle(&partition, 4);
        marks.settle(&partition, 9);
        assert!(marks.take().is_empty());
        marks.settle(&partition, 3);
        assert_eq!(
            marks.take(),
            [Mark {
                partition: partition.clone(),
                next: 10
            }]
        );
        assert!(marks.take().is_empty());
        marks.forget(std::slice::from_ref(&partition));
        marks.settle(&partition, 9);
        assert!(marks.take().is_empty());
    }
}
