//! What comes back: answers, frames that reached nobody, and dead letters that the log has taken.

use std::collections::HashMap;
use std::time::{Duration, Instant, SystemTime};

use domain::frame::{Ack, Outcome};
use tracing::{debug, warn};
use uuid::Uuid;

use super::{Held, Order, PATIENCE, Place, Queue};
use crate::log::Record;
use crate::policy::{Failure, Fate, decide};

/// Answers whose times decide how long is too long.
const REMEMBERED: usize = 512;

impl Queue {
    /// An agent answered a frame or a heartbeat.
    pub fn answer(&mut self, ack: Ack, now: Instant) {
        let Some(&number) = self.names.get(&ack.frame) else {
            self.beat_answered(&ack);
            return;
        };
        let Some(flight) = self.flights.get(&number) else {
            return;
        };
        if flight.epoch != ack.epoch {
            debug!(frame = %ack.frame, "an answer of another epoch");
            return;
        }
        let sending = flight.names.iter().find(|(name, _)| *name == ack.frame);
        let sent = sending.map_or(flight.sent, |(_, sent)| *sent);
        let lane = flight.lane.clone();
        self.measure(now.duration_since(sent));
        self.hear(&lane, sent);
        let Some((_, held)) = self.land(number) else {
            return;
        };
        if held.len() != ack.results.len() {
            warn!(frame = %ack.frame, lane, events = held.len(), results = ack.results.len(), "an answer that does not fit");
            return self.died(held, now);
        }
        let together = held.len();
        let mut back = Vec::new();
        for (mut held, result) in held.into_iter().zip(ack.results) {
            let error = result.error.as_deref().unwrap_or("no reason given");
            let failure = match result.outcome {
                Outcome::Done => {
                    self.back(&mut back, held, None);
                    continue;
                }
                Outcome::Retry => {
                    held.retries += 1;
                    Failure::Retry {
                        times: held.retries,
                        together,
                        error,
                    }
                }
                Outcome::Reject => Failure::Rejected { error },
            };
            let fate = decide(&failure);
            self.back(&mut back, held, Some((fate, "retry")));
        }
        self.put_back(back, now);
    }

    /// A frame reached so many listeners, or Redis could not be asked.
    pub fn rung(&mut self, frame: Uuid, receivers: Option<u64>, now: Instant) {
        let number = self.names.get(&frame).copied();
        if let Some(flight) = number.and_then(|number| self.flights.get_mut(&number)) {
            if receivers.is_some_and(|receivers| receivers > 0) {
                for held in &mut flight.held {
                    held.tries += 1;
                }
                return;
            }
            let lane = flight.lane.clone();
            self.drop_lane(&lane, now);
        } else if receivers.is_none_or(|receivers| receivers == 0) {
            let lane = self
                .lanes
                .iter()
                .find(|(_, lane)| lane.beats.iter().any(|(name, _)| *name == frame));
            if let Some(lane) = lane.map(|(name, _)| name.clone()) {
                self.drop_lane(&lane, now);
            }
        }
    }

    /// The log has the dead letter: the event needs no more work here.
    pub fn buried(&mut self, record: &Record) {
        self.burying.retain(|(partition, offset)| {
            (partition, *offset) != (&record.partition, record.offset)
        });
        self.held = self.held.saturating_sub(1);
        if self.assigned.contains_key(&record.partition) {
            self.marks.settle(&record.partition, record.offset);
        }
    }

    /// Ends a flight and gives back its lane and events.
    pub(super) fn land(&mut self, number: u64) -> Option<(String, Vec<Held>)> {
        let flight = self.flights.remove(&number)?;
        for (name, _) in &flight.names {
            self.names.remove(name);
        }
        if let Some(lane) = self.lanes.get_mut(&flight.lane) {
            lane.flights = lane.flights.saturating_sub(1);
        }
        Some((flight.lane, flight.held))
    }

    /// The frame ended without an answer and its agent went on: one of the events may be the cause.
    pub(super) fn died(&mut self, held: Vec<Held>, now: Instant) {
        let together = held.len();
        let mut back = Vec::new();
        for mut held in held {
            held.deaths += 1;
            let fate = decide(&Failure::Died {
                deaths: held.deaths,
                together,
            });
            self.back(&mut back, held, Some((fate, "died")));
        }
        self.put_back(back, now);
    }

    /// The frame came to nothing and none of its events is to blame.
    pub(super) fn withdraw(&mut self, number: u64, now: Instant) {
        let Some((_, held)) = self.land(number) else {
            return;
        };
        let mut back = Vec::new();
        for held in held {
            self.back(&mut back, held, Some((decide(&Failure::Away), "away")));
        }
        self.put_back(back, now);
    }

    /// Settles an event without a fate; otherwise notes what its fate asks for.
    fn back(
        &mut self,
        back: &mut Vec<(Uuid, Option<(Held, Duration)>)>,
        mut held: Held,
        fate: Option<(Fate, &str)>,
    ) {
        let user = held.record.entry.user;
        let ours = self.assigned.get(&held.record.partition) == Some(&held.assignment);
        let staying = !self.handing_over(&held.record.partition);
        back.push(match fate {
            None => {
                self.held = self.held.saturating_sub(1);
                if ours {
                    self.marks
                        .settle(&held.record.partition, held.record.offset);
                }
                self.metrics.settled.with_label_values(&[self.group]).inc();
                (user, None)
            }
            Some((Fate::Retry { after, together }, cause)) if ours && staying => {
                if cause != "away" {
                    held.first_failed.get_or_insert_with(SystemTime::now);
                }
                self.metrics
                    .redelivered
                    .with_label_values(&[self.group, cause])
                    .inc();
                held.company = held.company.min(together);
                (user, Some((held, after)))
            }
            Some((Fate::DeadLetter { reason }, _)) if ours && staying => {
                held.first_failed.get_or_insert_with(SystemTime::now);
                self.burying
                    .push((held.record.partition.clone(), held.record.offset));
                self.orders.push(Order::Bury {
                    held: Box::new(held),
                    reason,
                });
                (user, None)
            }
            // Someone else reads it next, and meets it again.
            Some((Fate::Retry { .. } | Fate::DeadLetter { .. } | Fate::Halt, _)) => {
                self.held = self.held.saturating_sub(1);
                (user, None)
            }
        });
    }

    /// Events return to the front of their users' lines, in order; each user goes on when its longest wait is over.
    fn put_back(&mut self, back: Vec<(Uuid, Option<(Held, Duration)>)>, now: Instant) {
        let mut waits: HashMap<Uuid, Duration> = HashMap::new();
        for (id, again) in back.into_iter().rev() {
            let wait = waits.entry(id).or_default();
            let Some((held, after)) = again else { continue };
            *wait = after.max(*wait);
            if let Some(user) = self.users.get_mut(&id) {
                user.waiting.push_front(held);
            }
        }
        for (id, wait) in waits {
            let Some(user) = self.users.get_mut(&id) else {
                continue;
            };
            if wait.is_zero() || user.waiting.is_empty() {
                self.route(id);
            } else {
                user.place = Place::Waiting;
                self.waiting.push(std::cmp::Reverse((now + wait, id)));
            }
        }
    }

    fn measure(&mut self, latency: Duration) {
        self.metrics
            .answer_seconds
            .with_label_values(&[self.group])
            .observe(latency.as_secs_f64());
        self.latencies.push_back(latency);
        if self.latencies.len() > REMEMBERED {
            self.latencies.pop_front();
        }
    }

    /// How long an agent may take: five times what all but a hundredth of its answers took.
    pub(super) fn learn_patience(&mut self) {
        let mut latencies: Vec<Duration> = self.latencies.iter().copied().collect();
        latencies.sort_unstable();
        let slow = latencies
            .get(latencies.len() * 99 / 100)
            .copied()
            .unwrap_or_default();
        self.patience = (slow * 5).clamp(PATIENCE, Duration::from_secs(10));
    }
}
