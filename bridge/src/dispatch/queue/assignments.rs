//! Owns which partitions the group reads here, the epoch that counts changes of this, and hand-overs to other bridges.

use std::collections::HashMap;
use std::time::Instant;

use tokio::sync::oneshot;

use super::event::Event;
use crate::log::Partition;

/// Revoked partitions whose frames in flight may still settle. The next reader waits for `settled`.
#[derive(Debug)]
struct HandOver {
    /// The partitions with the assignment that ends.
    assignments: Vec<(Partition, u64)>,
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

    /// A new assignment of these partitions begins. If they are being handed over, that is over: whoever was to read them next
    /// is this bridge again.
    pub fn assign(&mut self, partitions: &[Partition]) {
        self.epoch += 1;
        self.forget(partitions);
        for partition in partitions {
            self.assigned.insert(partition.clone(), self.epoch);
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

    /// Revokes partitions, but lets work in flight settle until `deadline`. `settled` is signalled when that is over, or when
    /// the partitions are assigned or revoked meanwhile, for instance because the session with the log was lost.
    pub fn start_hand_over(
        &mut self,
        partitions: Vec<Partition>,
        settled: oneshot::Sender<()>,
        deadline: Instant,
    ) {
        self.epoch += 1;
        let assignments = partitions.into_iter().filter_map(|partition| {
            let assignment = self.current(&partition)?;
            Some((partition, assignment))
        });
        let assignments = assignments.collect();
        self.hand_overs.push(HandOver {
            assignments,
            settled,
            deadline,
        });
    }

    /// Finishes the hand-overs that have no more work in flight or are out of time, and returns their partitions.
    pub fn finish_hand_overs(
        &mut self,
        now: Instant,
        in_flight: impl Fn(&[(Partition, u64)]) -> bool,
    ) -> Vec<Partition> {
        let is_over = |hand_over: &mut HandOver| {
            hand_over.deadline <= now || !in_flight(&hand_over.assignments)
        };
        let over: Vec<HandOver> = self.hand_overs.extract_if(.., is_over).collect();
        let mut finished = Vec::new();
        for hand_over in over {
            // The receiver is gone if the reader's session was lost meanwhile.
            let _ = hand_over.settled.send(());
            let assignments = hand_over.assignments.into_iter();
            finished.extend(assignments.map(|(partition, _)| partition));
        }
        self.forget(&finished);
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
        hand_overs.any(|hand_over| {
            let mut assignments = hand_over.assignments.iter();
            assignments.any(|(leaving, _)| leaving == partition)
        })
    }

    /// True if the event was read under its partition's current assignment, so this bridge may settle it.
    pub fn owns(&self, event: &Event) -> bool {
        self.current(&event.record().partition) == Some(event.assignment())
    }

    /// True if this bridge also delivers the event again or dead-letters it. Otherwise the next reader meets it again.
    pub fn keeps(&self, event: &Event) -> bool {
        self.owns(event) && !self.is_handing_over(&event.record().partition)
    }

    /// Ends the current assignments of these partitions, and leaves hand-overs only the other partitions. So every hand-over
    /// is about current assignments.
    fn forget(&mut self, partitions: &[Partition]) {
        for partition in partitions {
            self.assigned.remove(partition);
        }
        for hand_over in &mut self.hand_overs {
            hand_over
                .assignments
                .retain(|(partition, _)| !partitions.contains(partition));
        }
    }
}
