//! From ready users to frames in the air: what a lane with credit is given next.

use std::time::Instant;

use domain::frame::Kind;
use uuid::Uuid;

use super::{Flight, Held, Order, Place, Queue};
use crate::dispatch::doorbell::Ring;
use crate::dispatch::wire::{self, Head};

impl Queue {
    /// Sends what may be sent now.
    pub fn fill(&mut self, now: Instant) {
        if !self.listening {
            return;
        }
        let names: Vec<String> = self.lanes.keys().cloned().collect();
        for name in names {
            while let Some(held) = self.pack(&name, now) {
                self.fly(&name, held, now);
            }
        }
    }

    /// The next frame's events for a lane that has credit and enough to do.
    fn pack(&mut self, name: &str, now: Instant) -> Option<Vec<Held>> {
        let lane = self.lanes.get_mut(name)?;
        if !lane.may_send() {
            return None;
        }
        let apart = !lane.apart.is_empty();
        let line = if apart {
            &mut lane.apart
        } else {
            &mut lane.ready
        };
        if !apart {
            let waited = lane
                .since
                .is_some_and(|since| now.duration_since(since) >= self.limits.wait);
            let most = self.limits.events;
            let enough = || {
                let counts = line
                    .iter()
                    .take(most)
                    .filter_map(|id| Some(self.users.get(id)?.waiting.len()));
                counts.sum::<usize>() >= most
            };
            if line.is_empty() || !(waited || enough()) {
                return None;
            }
        }
        let (mut held, mut bytes, mut company) = (Vec::new(), 0, self.limits.events);
        while let Some(id) = line.front() {
            let Some(user) = self.users.get_mut(id) else {
                line.pop_front();
                continue;
            };
            let before = held.len();
            while let Some(next) = user.waiting.front() {
                let size = bytes + next.record.entry.event.len();
                let most = company.min(next.company);
                let fits = held.len() < most && (size <= self.limits.bytes || held.is_empty());
                if next.apart() != apart || !fits {
                    break;
                }
                (bytes, company) = (size, most);
                held.extend(user.waiting.pop_front());
            }
            if held.len() == before {
                break;
            }
            user.place = Place::Flying;
            line.pop_front();
        }
        if !apart {
            // Whoever is left has waited for a place, not for company.
            let next = lane
                .ready
                .front()
                .and_then(|id| self.users.get(id)?.waiting.front());
            lane.since = next.map(|next| next.arrived);
        }
        (!held.is_empty()).then_some(held)
    }

    fn fly(&mut self, lane: &str, held: Vec<Held>, now: Instant) {
        self.flown += 1;
        if let Some(lane) = self.lanes.get_mut(lane) {
            lane.flights += 1;
        }
        let (lane, epoch, deadline) = (lane.to_owned(), self.epoch, now + self.patience);
        self.flights.insert(
            self.flown,
            Flight {
                lane,
                epoch,
                names: Vec::new(),
                sent: now,
                deadline,
                held,
            },
        );
        self.send(self.flown, now);
    }

    /// Sends a flight, for the first time or again.
    pub(super) fn send(&mut self, number: u64, now: Instant) {
        let Some(flight) = self.flights.get_mut(&number) else {
            return;
        };
        let name = Uuid::new_v4();
        flight.names.push((name, now));
        flight.sent = now;
        let head = Head {
            frame: name,
            epoch: flight.epoch,
            lane: &flight.lane,
            reply_to: &self.reply_to,
            attempt: flight
                .held
                .iter()
                .map(|held| held.tries + 1)
                .max()
                .unwrap_or(1),
            kind: Kind::Events,
        };
        let message = wire::print(
            &head,
            flight.held.iter().map(|held| &held.record.entry.event),
        );
        self.names.insert(name, number);
        self.metrics.frames.with_label_values(&[self.group]).inc();
        self.orders.push(Order::Ring(Ring {
            frame: name,
            lane: flight.lane.clone(),
            message,
        }));
    }
}
