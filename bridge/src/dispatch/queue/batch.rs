//! Collects the events of one frame and keeps the frame within its limits.

use super::event::Event;
use crate::groups::FrameLimits;

#[derive(Debug)]
pub struct Batch {
    /// Whether this frame is for isolated events. A frame never mixes the two kinds.
    isolated: bool,
    max_events: usize,
    max_bytes: usize,
    bytes: usize,
    events: Vec<Event>,
}

impl Batch {
    pub fn new(limits: &FrameLimits, isolated: bool) -> Self {
        Self {
            isolated,
            max_events: limits.events,
            max_bytes: limits.bytes,
            bytes: 0,
            events: Vec::new(),
        }
    }

    /// True if the event may join. An event's own batch limit holds for all that travel with it.
    pub fn accepts(&self, event: &Event) -> bool {
        event.isolated() == self.isolated
            && self.events.len() < self.max_events.min(event.max_batch())
            && (self.events.is_empty() || self.bytes + event.bytes() <= self.max_bytes)
    }

    pub fn push(&mut self, event: Event) {
        self.max_events = self.max_events.min(event.max_batch());
        self.bytes += event.bytes();
        self.events.push(event);
    }

    /// The events in the order in which they were added, or `None` if there are none.
    pub fn into_events(self) -> Option<Vec<Event>> {
        (!self.events.is_empty()).then_some(self.events)
    }
}
