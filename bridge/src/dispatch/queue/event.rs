//! One event that the group has read and not settled, with its delivery history.

use std::iter::Sum;
use std::time::Instant;

use uuid::Uuid;

use crate::log::{Partition, Record};

/// Names an event as one assignment of its partition has read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventKey {
    pub user: Uuid,
    pub partition: Partition,
    pub offset: i64,
    pub assignment: u64,
}

/// Number of some events, and the bytes of their JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    pub events: usize,
    pub bytes: usize,
}

impl Size {
    pub fn add(&mut self, event: &Event) {
        self.events += 1;
        self.bytes += event.bytes();
    }

    pub fn remove(&mut self, event: &Event) {
        self.events -= 1;
        self.bytes -= event.bytes();
    }
}

impl Sum for Size {
    fn sum<I: Iterator<Item = Self>>(sizes: I) -> Self {
        sizes.fold(Self::default(), |sum, size| Self {
            events: sum.events + size.events,
            bytes: sum.bytes + size.bytes,
        })
    }
}

#[derive(Debug)]
pub struct Event {
    record: Record,
    /// The assignment of its partition under which it was read. Only that assignment may settle it.
    assignment: u64,
    read_at: Instant,
    /// Frames with this event that reached an agent.
    attempts: u32,
    /// Frames with this event that the agent skipped: it answered a later message, but never this frame.
    unanswered: u32,
    /// How often an agent asked for another try.
    retries: u32,
    /// The largest frame, in events, that it may travel in.
    max_batch: usize,
    first_failed: Option<Instant>,
    /// Set while it is in flight and the answer to an earlier frame has settled it. How this frame ends does not matter then.
    settled: bool,
}

impl Event {
    pub fn new(record: Record, assignment: u64, read_at: Instant) -> Self {
        Self {
            record,
            assignment,
            read_at,
            attempts: 0,
            unanswered: 0,
            retries: 0,
            max_batch: usize::MAX,
            first_failed: None,
            settled: false,
        }
    }

    pub fn key(&self) -> EventKey {
        EventKey {
            user: self.user(),
            partition: self.record.partition.clone(),
            offset: self.record.offset,
            assignment: self.assignment,
        }
    }

    pub fn has_key(&self, key: &EventKey) -> bool {
        self.record.offset == key.offset
            && self.assignment == key.assignment
            && self.record.partition == key.partition
    }

    pub fn record(&self) -> &Record {
        &self.record
    }

    pub fn into_record(self) -> Record {
        self.record
    }

    pub fn user(&self) -> Uuid {
        self.record.entry.user
    }

    pub fn bytes(&self) -> usize {
        self.record.entry.event.len()
    }

    pub fn assignment(&self) -> u64 {
        self.assignment
    }

    pub fn read_at(&self) -> Instant {
        self.read_at
    }

    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    pub fn max_batch(&self) -> usize {
        self.max_batch
    }

    pub fn first_failed(&self) -> Option<Instant> {
        self.first_failed
    }

    /// True if the event may have caused a failure. Such events never share a frame with events that did not.
    pub fn isolated(&self) -> bool {
        self.unanswered > 0 || self.max_batch != usize::MAX
    }

    pub fn count_attempt(&mut self) {
        self.attempts += 1;
    }

    /// Takes back an attempt whose frame failed for a reason outside of the event.
    pub fn uncount_attempt(&mut self) {
        self.attempts = self.attempts.saturating_sub(1);
    }

    /// Counts a frame that the agent skipped. Returns how many there have been.
    pub fn count_unanswered(&mut self) -> u32 {
        self.unanswered += 1;
        self.unanswered
    }

    /// Counts an answer that asks for another try. Returns how many there have been.
    pub fn count_retry(&mut self) -> u32 {
        self.retries += 1;
        self.retries
    }

    /// Limits the size of the frames it travels in. A limit is never raised again.
    pub fn limit_batch(&mut self, events: usize) {
        self.max_batch = self.max_batch.min(events);
    }

    pub fn is_settled(&self) -> bool {
        self.settled
    }

    pub fn mark_settled(&mut self) {
        self.settled = true;
    }

    /// Remembers when the event failed for the first time.
    pub fn mark_failed(&mut self, now: Instant) {
        self.first_failed.get_or_insert(now);
    }
}
