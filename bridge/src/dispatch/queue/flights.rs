//! Owns the frames that were sent and have not ended, with their events.
//!
//! A frame is sent once. Its lane is serial, so a copy would only wait behind the original.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use domain::frame::Kind;
use uuid::Uuid;

use super::event::{Event, EventKey, Size};
use crate::doorbell::Message;
use crate::doorbell::wire::{self, Head};
use crate::log::Partition;

/// A frame in flight.
#[derive(Debug)]
pub struct Flight {
    pub frame: Uuid,
    pub lane: String,
    pub epoch: u64,
    pub sent: Instant,
    pub events: Vec<Event>,
    /// Whether an agent is known to have received it, so that it counts as an attempt.
    received: bool,
}

#[derive(Debug, Default)]
pub struct Flights {
    /// By number, that is, in the order in which they were sent.
    flights: BTreeMap<u64, Flight>,
    /// The flight of each frame id.
    by_frame: HashMap<Uuid, u64>,
    begun: u64,
    events: Size,
}

impl Flights {
    /// Frames in flight.
    pub fn len(&self) -> usize {
        self.flights.len()
    }

    /// Events in flight.
    pub fn events(&self) -> Size {
        self.events
    }

    /// Starts a flight, and returns the message that sends it.
    pub fn begin(
        &mut self,
        lane: &str,
        epoch: u64,
        reply_to: &str,
        events: Vec<Event>,
        now: Instant,
    ) -> Message {
        let frame = Uuid::new_v4();
        let attempts = events.iter().map(Event::attempts).max().unwrap_or(0);
        let head = Head {
            frame,
            epoch,
            lane,
            reply_to,
            attempt: attempts + 1,
            kind: Kind::Events,
        };
        let body = wire::encode(
            &head,
            events.iter().map(|event| &event.record().entry.event),
        );
        self.begun += 1;
        for event in &events {
            self.events.add(event);
        }
        self.by_frame.insert(frame, self.begun);
        let flight = Flight {
            frame,
            lane: lane.to_owned(),
            epoch,
            sent: now,
            events,
            received: false,
        };
        self.flights.insert(self.begun, flight);
        Message {
            frame,
            lane: lane.to_owned(),
            body,
        }
    }

    /// True if the frame is in flight.
    pub fn contains(&self, frame: Uuid) -> bool {
        self.by_frame.contains_key(&frame)
    }

    pub fn lane_of(&self, frame: Uuid) -> Option<String> {
        Some(self.flights.get(self.by_frame.get(&frame)?)?.lane.clone())
    }

    /// An agent received the frame: counts an attempt for each of its events, once.
    pub fn received(&mut self, frame: Uuid) {
        let number = self.by_frame.get(&frame);
        if let Some(flight) = number.and_then(|number| self.flights.get_mut(number)) {
            flight.received();
        }
    }

    /// Ends the flight of the frame, unless the answer's epoch is another than the flight's.
    pub fn answer(&mut self, frame: Uuid, epoch: u64) -> Option<Flight> {
        let number = *self.by_frame.get(&frame)?;
        let flight = self
            .flights
            .get_mut(&number)
            .filter(|flight| flight.epoch == epoch)?;
        // The answer may overtake the report of its PUBLISH.
        flight.received();
        self.land(number)
    }

    /// Ends a flight.
    pub fn land(&mut self, number: u64) -> Option<Flight> {
        let flight = self.flights.remove(&number)?;
        self.by_frame.remove(&flight.frame);
        for event in &flight.events {
            self.events.remove(event);
        }
        Some(flight)
    }

    /// Marks an event in flight as settled by the answer to an earlier frame. Returns false if it is not in flight, or marked
    /// already.
    pub fn settle(&mut self, key: &EventKey) -> bool {
        let mut events = self
            .flights
            .values_mut()
            .flat_map(|flight| &mut flight.events);
        let found = events.find(|event| event.has_key(key) && !event.is_settled());
        found.map(Event::mark_settled).is_some()
    }

    /// The numbers of all flights.
    pub fn all(&self) -> Vec<u64> {
        self.flights.keys().copied().collect()
    }

    /// The numbers of the flights on a lane.
    pub fn on_lane(&self, lane: &str) -> Vec<u64> {
        let flights = self
            .flights
            .iter()
            .filter(|(_, flight)| flight.lane == lane);
        flights.map(|(number, _)| *number).collect()
    }

    /// The flights that their agents skipped, at least `patience` after they were sent. `answered_after` tells whether a lane
    /// has answered a message that was sent after the given time.
    pub fn skipped(
        &self,
        now: Instant,
        patience: Duration,
        answered_after: impl Fn(&str, Instant) -> bool,
    ) -> Vec<u64> {
        let flights = self.flights.iter().filter(|(_, flight)| {
            now.duration_since(flight.sent) >= patience && answered_after(&flight.lane, flight.sent)
        });
        flights.map(|(number, _)| *number).collect()
    }

    /// True if an event of one of these assignments of partitions is in flight.
    pub fn carry(&self, assignments: &[(Partition, u64)]) -> bool {
        let mut events = self.flights.values().flat_map(|flight| &flight.events);
        events.any(|event| {
            let mut assignments = assignments.iter();
            assignments.any(|(partition, assignment)| {
                event.assignment() == *assignment && event.record().partition == *partition
            })
        })
    }

    /// Each flight's number, lane and events.
    #[cfg(test)]
    pub fn iter(&self) -> impl Iterator<Item = (u64, &str, &[Event])> {
        let flights = self.flights.iter();
        flights.map(|(number, flight)| (*number, flight.lane.as_str(), flight.events.as_slice()))
    }

    /// The events of the frame, unless the epoch is another than the flight's.
    #[cfg(test)]
    pub fn events_of(&self, frame: Uuid, epoch: u64) -> Option<&[Event]> {
        let flight = self.flights.get(self.by_frame.get(&frame)?)?;
        (flight.epoch == epoch).then_some(flight.events.as_slice())
    }
}

impl Flight {
    fn received(&mut self) {
        if !std::mem::replace(&mut self.received, true) {
            self.events.iter_mut().for_each(Event::count_attempt);
        }
    }
}
