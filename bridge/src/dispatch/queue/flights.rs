//! Owns the frames that were sent and have not ended: their events, the ids they were sent under, and their deadlines.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use domain::frame::Kind;
use uuid::Uuid;

use super::event::Event;
use crate::dispatch::doorbell::Message;
use crate::dispatch::wire::{self, Head};
use crate::log::Partition;

/// A frame in flight. It may have been sent several times.
#[derive(Debug)]
struct Flight {
    lane: String,
    epoch: u64,
    /// An answer to any of them counts, because it means that the effects are durable.
    sendings: Vec<Sending>,
    last_sent: Instant,
    /// When the last sending counts as late.
    deadline: Instant,
    events: Vec<Event>,
}

/// One message that carried a flight.
#[derive(Debug)]
struct Sending {
    frame: Uuid,
    sent: Instant,
    /// Whether an agent is known to have received it, so that it counts as an attempt.
    received: bool,
}

/// A flight that has ended.
#[derive(Debug)]
pub struct Landed {
    pub lane: String,
    pub events: Vec<Event>,
}

/// A flight that an answer has ended.
#[derive(Debug)]
pub struct Answered {
    pub landed: Landed,
    /// When the answered message had been sent.
    pub sent: Instant,
}

/// A flight without an answer in time.
#[derive(Debug)]
pub struct Late {
    pub number: u64,
    /// Frames that have been sent for it.
    pub sendings: u32,
    /// Whether the lane has answered a message that was sent later. Then this frame will never be answered.
    pub skipped: bool,
}

#[derive(Debug, Default)]
pub struct Flights {
    /// By number, that is, in the order in which they began.
    flights: BTreeMap<u64, Flight>,
    /// The flight of each frame id.
    by_frame: HashMap<Uuid, u64>,
    begun: u64,
    events: usize,
}

impl Flights {
    /// Frames in flight.
    pub fn len(&self) -> usize {
        self.flights.len()
    }

    /// Events in flight.
    pub fn events(&self) -> usize {
        self.events
    }

    /// Adds a flight that is still to be sent, and returns its number.
    pub fn begin(&mut self, lane: &str, epoch: u64, events: Vec<Event>, now: Instant) -> u64 {
        self.begun += 1;
        self.events += events.len();
        let flight = Flight {
            lane: lane.to_owned(),
            epoch,
            sendings: Vec::new(),
            last_sent: now,
            deadline: now,
            events,
        };
        self.flights.insert(self.begun, flight);
        self.begun
    }

    /// The message that sends the flight, for the first time or again. It is late from `deadline` on.
    pub fn send(
        &mut self,
        number: u64,
        reply_to: &str,
        deadline: Instant,
        now: Instant,
    ) -> Option<Message> {
        let flight = self.flights.get_mut(&number)?;
        let frame = Uuid::new_v4();
        flight.sendings.push(Sending {
            frame,
            sent: now,
            received: false,
        });
        flight.last_sent = now;
        flight.deadline = deadline;
        self.by_frame.insert(frame, number);
        let attempts = flight.events.iter().map(Event::attempts).max().unwrap_or(0);
        let head = Head {
            frame,
            epoch: flight.epoch,
            lane: &flight.lane,
            reply_to,
            attempt: attempts + 1,
            kind: Kind::Events,
        };
        let events = flight
            .events
            .iter()
            .map(|event| &event.record().entry.event);
        Some(Message {
            frame,
            lane: flight.lane.clone(),
            body: wire::encode(&head, events),
        })
    }

    /// True if a flight was sent under this id and has not ended.
    pub fn contains(&self, frame: Uuid) -> bool {
        self.by_frame.contains_key(&frame)
    }

    pub fn lane_of(&self, frame: Uuid) -> Option<String> {
        Some(self.flights.get(self.by_frame.get(&frame)?)?.lane.clone())
    }

    /// An agent received the frame: counts an attempt for each of its events, once for each sending.
    pub fn received(&mut self, frame: Uuid) {
        let number = self.by_frame.get(&frame);
        if let Some(flight) = number.and_then(|number| self.flights.get_mut(number)) {
            flight.received(frame);
        }
    }

    /// Ends the flight that was sent under this id, unless the answer's epoch is another than the flight's.
    pub fn answer(&mut self, frame: Uuid, epoch: u64) -> Option<Answered> {
        let number = *self.by_frame.get(&frame)?;
        let flight = self
            .flights
            .get_mut(&number)
            .filter(|flight| flight.epoch == epoch)?;
        // The answer may overtake the report of its PUBLISH.
        flight.received(frame);
        let mut sendings = flight.sendings.iter();
        let sent = sendings.find(|sending| sending.frame == frame)?.sent;
        let landed = self.land(number)?;
        Some(Answered { landed, sent })
    }

    /// Ends a flight. Later answers to it are ignored.
    pub fn land(&mut self, number: u64) -> Option<Landed> {
        let flight = self.flights.remove(&number)?;
        for sending in &flight.sendings {
            self.by_frame.remove(&sending.frame);
        }
        self.events -= flight.events.len();
        Some(Landed {
            lane: flight.lane,
            events: flight.events,
        })
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

    /// The flights whose deadline has passed, and those that were skipped and are at least `skipped_after` old.
    /// `answered_after` tells whether a lane has answered a message that was sent after the given time.
    pub fn late(
        &self,
        now: Instant,
        skipped_after: Duration,
        answered_after: impl Fn(&str, Instant) -> bool,
    ) -> Vec<Late> {
        let late = |(number, flight): (&u64, &Flight)| {
            let skipped = answered_after(&flight.lane, flight.last_sent);
            let old = now.duration_since(flight.last_sent) >= skipped_after;
            (flight.deadline <= now || (old && skipped)).then(|| Late {
                number: *number,
                sendings: u32::try_from(flight.sendings.len()).unwrap_or(u32::MAX),
                skipped,
            })
        };
        self.flights.iter().filter_map(late).collect()
    }

    pub fn next_deadline(&self) -> Option<Instant> {
        self.flights.values().map(|flight| flight.deadline).min()
    }

    /// True if an event of one of these partitions is in flight.
    pub fn carry(&self, partitions: &[Partition]) -> bool {
        let mut events = self.flights.values().flat_map(|flight| &flight.events);
        events.any(|event| partitions.contains(&event.record().partition))
    }

    /// Each flight's number, lane and events.
    #[cfg(test)]
    pub fn iter(&self) -> impl Iterator<Item = (u64, &str, &[Event])> {
        let flights = self.flights.iter();
        flights.map(|(number, flight)| (*number, flight.lane.as_str(), flight.events.as_slice()))
    }

    /// The events of the flight that was sent under this id, unless the epoch is another than the flight's.
    #[cfg(test)]
    pub fn events_of(&self, frame: Uuid, epoch: u64) -> Option<&[Event]> {
        let flight = self.flights.get(self.by_frame.get(&frame)?)?;
        (flight.epoch == epoch).then_some(flight.events.as_slice())
    }
}

impl Flight {
    fn received(&mut self, frame: Uuid) {
        let mut sendings = self.sendings.iter_mut();
        let unconfirmed = sendings.find(|sending| sending.frame == frame && !sending.received);
        if let Some(sending) = unconfirmed {
            sending.received = true;
            self.events.iter_mut().for_each(Event::count_attempt);
        }
    }
}
