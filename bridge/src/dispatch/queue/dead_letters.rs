//! Owns the events that are being written to a dead-letter topic. Their marks move only once the log has them.

use std::collections::BTreeMap;
use std::time::Instant;

use super::event::{Event, Size};
use crate::log::{Partition, Record};

/// A dead letter for the caller to write.
#[derive(Debug)]
pub struct DeadLetter {
    /// Names this write when the log has confirmed it.
    pub id: u64,
    pub record: Record,
    /// Frames with this event that reached an agent.
    pub attempts: u32,
    pub first_failed: Instant,
    pub reason: String,
}

/// The record of a dead letter that the log has not confirmed yet.
#[derive(Debug)]
pub struct Pending {
    pub partition: Partition,
    pub offset: i64,
    /// The assignment of the partition under which the record was read.
    pub assignment: u64,
    size: Size,
    /// Whether writing it keeps failing.
    failing: bool,
}

#[derive(Debug, Default)]
pub struct DeadLetters {
    pending: BTreeMap<u64, Pending>,
    begun: u64,
}

impl DeadLetters {
    /// Events whose dead letter the log has not confirmed yet.
    pub fn events(&self) -> Size {
        self.pending.values().map(|pending| pending.size).sum()
    }

    /// Starts writing an event that fails for good.
    pub fn begin(&mut self, event: Event, reason: String, now: Instant) -> DeadLetter {
        self.begun += 1;
        let record = event.record();
        let mut size = Size::default();
        size.add(&event);
        let pending = Pending {
            partition: record.partition.clone(),
            offset: record.offset,
            assignment: event.assignment(),
            size,
            failing: false,
        };
        self.pending.insert(self.begun, pending);
        DeadLetter {
            id: self.begun,
            attempts: event.attempts(),
            first_failed: event.first_failed().unwrap_or(now),
            reason,
            record: event.into_record(),
        }
    }

    /// The log has confirmed a dead letter.
    pub fn written(&mut self, id: u64) -> Option<Pending> {
        self.pending.remove(&id)
    }

    /// Writing a dead letter keeps failing. Returns its record if it is not confirmed.
    pub fn failed(&mut self, id: u64) -> Option<&Pending> {
        let pending = self.pending.get_mut(&id)?;
        pending.failing = true;
        Some(pending)
    }

    /// True if writing a dead letter of this assignment of the partition keeps failing.
    pub fn failing_for(&self, partition: &Partition, assignment: u64) -> bool {
        let mut pending = self.pending.values();
        pending.any(|pending| {
            pending.failing && pending.assignment == assignment && pending.partition == *partition
        })
    }

    /// True if a dead letter for an event of one of these assignments of partitions is not confirmed.
    pub fn pending_for(&self, assignments: &[(Partition, u64)]) -> bool {
        let mut pending = self.pending.values();
        pending.any(|pending| {
            let mut assignments = assignments.iter();
            assignments.any(|(partition, assignment)| {
                pending.assignment == *assignment && pending.partition == *partition
            })
        })
    }

    /// The assignment under which the event of an unconfirmed dead letter was read.
    #[cfg(test)]
    pub fn assignment_of(&self, id: u64) -> Option<u64> {
        self.pending.get(&id).map(|pending| pending.assignment)
    }
}
