//! Owns what is known of frames that ended without an answer, so that an answer that comes late still settles their events.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::event::{Event, EventKey};
use super::flights::Flight;

/// How long after its end a frame may still be answered.
pub const LATE_LIMIT: Duration = Duration::from_secs(60);

/// A frame that ended without an answer.
#[derive(Debug)]
pub struct Ended {
    pub lane: String,
    pub sent: Instant,
    /// In the order of the frame.
    pub events: Vec<EventKey>,
    epoch: u64,
}

#[derive(Debug, Default)]
pub struct LateAnswers {
    frames: HashMap<Uuid, Ended>,
    /// When each frame is forgotten, soonest first. Frames that were answered meanwhile are ignored.
    forget: VecDeque<(Instant, Uuid)>,
}

impl LateAnswers {
    /// A frame ends without an answer.
    pub fn remember(&mut self, flight: &Flight, now: Instant) {
        let ended = Ended {
            lane: flight.lane.clone(),
            sent: flight.sent,
            events: flight.events.iter().map(Event::key).collect(),
            epoch: flight.epoch,
        };
        self.frames.insert(flight.frame, ended);
        self.forget.push_back((now + LATE_LIMIT, flight.frame));
    }

    pub fn contains(&self, frame: Uuid) -> bool {
        self.frames.contains_key(&frame)
    }

    /// The frame that is answered late, unless the answer's epoch is another than the frame's. A second answer finds nothing.
    pub fn answer(&mut self, frame: Uuid, epoch: u64) -> Option<Ended> {
        let known = self.frames.get(&frame)?.epoch == epoch;
        known.then(|| self.frames.remove(&frame)).flatten()
    }

    /// Forgets the frames whose time is over.
    pub fn forget_old(&mut self, now: Instant) {
        while let Some((at, frame)) = self.forget.front()
            && *at <= now
        {
            self.frames.remove(frame);
            self.forget.pop_front();
        }
    }

    /// The events of the frame, unless the epoch is another than the frame's.
    #[cfg(test)]
    pub fn events_of(&self, frame: Uuid, epoch: u64) -> Option<&[EventKey]> {
        let ended = self.frames.get(&frame)?;
        (ended.epoch == epoch).then_some(ended.events.as_slice())
    }
}
