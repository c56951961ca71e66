//! Owns which partitions the group reads here, the epoch that counts changes of this, and hand-overs to other bridges.

use std::collections::HashMap;
use std::time::Instant;

use tokio::sync::oneshot;

use super::event::Event;
use crate::log::Partition;

/// Revoked partitions whose frames in flight may still settle. The next reader waits for `settled`.
#[derive(Debug)]
struct HandOver {
    partitions: Vec<Partition>,
    settled: oneshot::Sender<()>,
    deadline: Instant,
}

#[derive(Debug)]
pub struct Assignments {
    /// Grows with each change of assignment. Frames carry it, which identifies late answers to older frames.
    epoch: u64,
    /// The epoch in which each partition was assigned.
    assigned: HashMap<Partition, u64>,
    hand_overs: Vec<HandOver>,
}

impl Default for Assignments {
    fn default() -> Self {
        Self {
            epoch: 1,
            assigned: HashMap::new(),
            hand_overs: Vec::new(),
        }
    }
}

impl Assignments {
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Partitions that are read here, including those being handed over.
    pub fn len(&self) -> usize {
        self.assigned.len()
    }

    pub fn assign(&mut self, partitions: Vec<Partition>) {
        self.epoch += 1;
        for partition in partitions {
            self.assigned.insert(partition, self.epoch);
        }
    }

    /// The partition's current assignment.
    pub fn current(&self, partition: &Partition) -> Option<u64> {
        self.assigned.get(partition).copied()
    }

    /// Revokes partitions at once.
    pub fn revoke(&mut self, partitions: &[Partition]) {
        self.epoch += 1;
        self.forget(partitions);
    }

    /// Revokes partitions, but lets work in flight settle until `deadline`. `settled` is signalled when that is over.
    /// The log assigns none of the partitions again before that.
    pub fn start_hand_over(
        &mut self,
        partitions: Vec<Partition>,
        settled: oneshot::Sender<()>,
        deadline: Instant,
    ) {
        self.epoch += 1;
        self.hand_overs.push(HandOver {
            partitions,
            settled,
            deadline,
        });
    }

    /// Finishes the hand-overs that have no more work in flight or are out of time, and returns their partitions.
    pub fn finish_hand_overs(
        &mut self,
        now: Instant,
        in_flight: impl Fn(&[Partition]) -> bool,
    ) -> Vec<Partition> {
        let is_over = |hand_over: &mut HandOver| {
            hand_over.deadline <= now || !in_flight(&hand_over.partitions)
        };
        let over: Vec<HandOver> = self.hand_overs.extract_if(.., is_over).collect();
        let mut finished = Vec::new();
        for hand_over in over {
            self.forget(&hand_over.partitions);
            // The receiver is gone if the reader's session was lost meanwhile.
            let _ = hand_over.settled.send(());
            finished.extend(hand_over.partitions);
        }
        finished
    }

    /// When the next hand-over runs out of time.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.hand_overs
            .iter()
            .map(|hand_over| hand_over.deadline)
            .min()
    }

    pub fn is_handing_over(&self, partition: &Partition) -> bool {
        let mut hand_overs = self.hand_overs.iter();
        hand_overs.any(|hand_over| hand_over.partitions.contains(partition))
    }

    /// True if the event was read under its partition's current assignment, so this bridge may settle it.
    pub fn owns(&self, event: &Event) -> bool {
        self.current(&event.record().partition) == Some(event.assignment())
    }

    /// True if this bridge also delivers the event again or dead-letters it. Otherwise the next reader meets it again.
    pub fn keeps(&self, event: &Event) -> bool {
        self.owns(event) && !self.is_handing_over(&event.record().partition)
    }

    fn forget(&mut self, partitions: &[Partition]) {
        for partition in partitions {
            self.assigned.remove(partition);
        }
    }
}
