//! Low-water marks: how far each partition is settled without a gap.

use std::collections::{HashMap, VecDeque};

use crate::log::{Mark, Partition};

/// The offsets under way of every partition.
#[derive(Debug, Default)]
pub struct Marks {
    partitions: HashMap<Partition, UnderWay>,
    moved: Vec<Partition>,
}

#[derive(Debug, Default)]
struct UnderWay {
    /// In order of offset; true once settled. Offsets may have gaps: Kafka's have.
    offsets: VecDeque<(i64, bool)>,
    next: i64,
    told: i64,
}

impl Marks {
    /// A record has been read: nothing past it counts until it is settled.
    pub fn read(&mut self, partition: &Partition, offset: i64) {
        let under_way = self.partitions.entry(partition.clone()).or_default();
        under_way.offsets.push_back((offset, false));
    }

    /// A record needs no more work. Only a contiguous run of settled records moves the mark.
    pub fn settle(&mut self, partition: &Partition, offset: i64) {
        let Some(under_way) = self.partitions.get_mut(partition) else {
            return;
        };
        let place = under_way
            .offsets
            .binary_search_by_key(&offset, |(offset, _)| *offset);
        if let Some((_, settled)) = place
            .ok()
            .and_then(|place| under_way.offsets.get_mut(place))
        {
            *settled = true;
        }
        let before = under_way.next;
        while let Some((offset, true)) = under_way.offsets.front() {
            under_way.next = offset + 1;
            under_way.offsets.pop_front();
        }
        if under_way.next != before {
            self.moved.push(partition.clone());
        }
    }

    /// Forgets partitions that others read from now on.
    pub fn forget(&mut self, partitions: &[Partition]) {
        for partition in partitions {
            self.partitions.remove(partition);
        }
    }

    /// The marks that have moved since the last time.
    pub fn take(&mut self) -> Vec<Mark> {
        let mut marks = Vec::new();
        for partition in std::mem::take(&mut self.moved) {
            if let Some(under_way) = self.partitions.get_mut(&partition)
                && under_way.next > under_way.told
            {
                under_way.told = under_way.next;
                marks.push(Mark {
                    partition,
                    next: under_way.next,
                });
            }
        }
        marks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_waits_for_the_slowest() {
        let partition = Partition {
            topic: "t".into(),
            number: 0,
        };
        let mut marks = Marks::default();
        for offset in [3, 4, 9] {
            marks.read(&partition, offset);
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
