//! One event that the group has read and not settled, with its delivery history.

use std::time::Instant;

use uuid::Uuid;

use crate::log::Record;

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
        }
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

    /// Remembers when the event failed for the first time.
    pub fn mark_failed(&mut self, now: Instant) {
        self.first_failed.get_or_insert(now);
    }
}
