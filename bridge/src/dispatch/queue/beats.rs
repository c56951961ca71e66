//! Time passing: heartbeats, lanes that come and go, frames that are late, users whose wait is over.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::collections::btree_map::Entry;
use std::time::Instant;

use domain::frame::{Ack, Kind};
use tracing::{info, warn};
use uuid::Uuid;

use super::{Order, PATIENCE, Place, Queue};
use crate::dispatch::doorbell::Ring;
use crate::dispatch::lane::{BEAT, Lane};
use crate::dispatch::wire::{self, Head};
use crate::policy::{Failure, Fate, decide};

impl Queue {
    /// Does what is due.
    pub fn tick(&mut self, now: Instant) {
        while let Some(Reverse((at, id))) = self.waiting.peek().copied() {
            if at > now {
                break;
            }
            self.waiting.pop();
            if self
                .users
                .get(&id)
                .is_some_and(|user| user.place == Place::Waiting)
            {
                self.route(id);
            }
        }
        let names: Vec<String> = self.lanes.keys().cloned().collect();
        for name in names {
            self.check_lane(&name, now);
        }
        let late: Vec<u64> = self
            .flights
            .iter()
            .filter(|(_, flight)| {
                flight.deadline <= now
                    || (now.duration_since(flight.sent) >= PATIENCE
                        && self.outlived(&flight.lane, flight.sent))
            })
            .map(|(number, _)| *number)
            .collect();
        for number in late {
            self.late(number, now);
        }
    }

    /// The channels of the agent that someone listens on.
    pub fn found(&mut self, channels: Vec<String>, now: Instant) {
        let found: BTreeSet<String> = channels.into_iter().collect();
        let gone: Vec<String> = self
            .lanes
            .keys()
            .filter(|name| !found.contains(*name))
            .cloned()
            .collect();
        for name in &gone {
            self.drop_lane(name, now);
        }
        let before = self.lanes.len();
        for name in found {
            let lane = self.lanes.entry(name);
            if let Entry::Vacant(vacant) = lane {
                info!(lane = vacant.key(), "a lane has come");
                vacant.insert(Lane::default());
            }
        }
        if self.lanes.len() != before {
            self.route_all();
        }
        self.learn_patience();
    }

    /// Answers can be heard, or can no longer: whatever is in flight may have been answered to nobody.
    pub fn listening(&mut self, listening: bool, now: Instant) {
        self.listening = listening;
        if !listening {
            let flights: Vec<u64> = self.flights.keys().copied().collect();
            for number in flights {
                self.withdraw(number, now);
            }
            for lane in self.lanes.values_mut() {
                lane.beats.clear();
            }
        }
    }

    pub(super) fn drop_lane(&mut self, name: &str, now: Instant) {
        if self.lanes.remove(name).is_none() {
            return;
        }
        info!(lane = name, "a lane has gone");
        self.withdraw_all(name, now);
        self.route_all();
    }

    pub(super) fn beat_answered(&mut self, ack: &Ack) {
        let Some(lane) = self.lanes.get(&ack.lane) else {
            return;
        };
        if let Some((_, sent)) = lane
            .beats
            .iter()
            .find(|(name, _)| *name == ack.frame)
            .copied()
        {
            self.hear(&ack.lane, sent);
        }
    }

    pub(super) fn hear(&mut self, lane: &str, sent: Instant) {
        if self.lanes.get_mut(lane).is_some_and(|lane| lane.hear(sent)) {
            info!(lane, "a lane answers again");
            self.route_all();
        }
    }

    /// True if the lane answered something sent after `sent`.
    fn outlived(&self, lane: &str, sent: Instant) -> bool {
        self.lanes
            .get(lane)
            .and_then(|lane| lane.answered)
            .is_some_and(|answered| answered > sent)
    }

    fn late(&mut self, number: u64, now: Instant) {
        let Some(flight) = self.flights.get(&number) else {
            return;
        };
        let (lane, sent, sendings) = (flight.lane.clone(), flight.sent, flight.names.len());
        if self.outlived(&lane, sent) {
            let Some((_, held)) = self.land(number) else {
                return;
            };
            warn!(lane, events = held.len(), first = ?held.first().map(|held| held.record.entry.event_id), "a frame died");
            return self.died(held, now);
        }
        // It may only be slow. The same frame goes out again and keeps its place in the lane's credit.
        let sendings = u32::try_from(sendings).unwrap_or(u32::MAX);
        if let Fate::Retry { after, .. } = decide(&Failure::Late { sendings }) {
            self.metrics
                .redelivered
                .with_label_values(&[self.group, "late"])
                .inc();
            self.send(number, now);
            if let Some(flight) = self.flights.get_mut(&number) {
                flight.deadline = now + self.patience + after;
            }
        }
    }

    fn check_lane(&mut self, name: &str, now: Instant) {
        let Some(lane) = self.lanes.get_mut(name) else {
            return;
        };
        if self.listening && lane.next_beat.is_none_or(|at| at <= now) {
            lane.next_beat = Some(now + BEAT);
            let frame = Uuid::new_v4();
            lane.beats.push_back((frame, now));
            let head = Head {
                frame,
                epoch: self.epoch,
                lane: name,
                reply_to: &self.reply_to,
                attempt: 1,
                kind: Kind::Heartbeat,
            };
            let message = wire::print(&head, [].iter());
            self.orders.push(Order::Ring(Ring {
                frame,
                lane: name.to_owned(),
                message,
            }));
        }
        if lane.overdue(now) && !lane.deaf {
            warn!(
                lane = name,
                "a lane owes its heartbeat and gets no more work"
            );
            lane.deaf = true;
            self.withdraw_all(name, now);
            self.route_all();
        }
    }

    fn withdraw_all(&mut self, lane: &str, now: Instant) {
        let flights = self
            .flights
            .iter()
            .filter(|(_, flight)| flight.lane == lane);
        let numbers: Vec<u64> = flights.map(|(number, _)| *number).collect();
        for number in numbers {
            self.withdraw(number, now);
        }
    }
}
