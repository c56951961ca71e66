//! Time passing and Redis changing: heartbeats, lanes that come and go, skipped frames, users whose backoff is over.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use domain::frame::{Ack, Answer, Kind};
use tracing::warn;

use super::{Action, Queue};
use crate::doorbell::Message;
use crate::doorbell::wire::{self, Head};

impl Queue {
    /// Does what is due.
    pub fn tick(&mut self, now: Instant) {
        for user in self.users.end_backoffs(now) {
            self.lanes.enqueue(user);
        }
        if self.lanes.end_rests(now) {
            self.requeue_users();
        }
        self.late.forget_old(now);
        for lane in self.lanes.names() {
            self.send_heartbeat(&lane, now);
            if self.lanes.check_heartbeats(&lane, now) {
                warn!(
                    lane,
                    "lane owes an answer for longer than its agent may take, and gets no more work"
                );
                self.withdraw_lane(&lane, now);
            }
        }
        let lanes = &self.lanes;
        let skipped = self
            .flights
            .skipped(now, self.patience.current(), |lane, sent| {
                lanes.answered_after(lane, sent)
            });
        for flight in skipped {
            self.frame_skipped(flight, now);
        }
    }

    /// Takes the channels of the agent that have a subscriber. Every other lane is gone.
    pub fn lanes_found(&mut self, channels: Vec<String>, now: Instant) {
        let found: BTreeSet<String> = channels.into_iter().collect();
        for lane in self.lanes.names() {
            if !found.contains(&lane) {
                self.remove_lane(&lane, now);
            }
        }
        if self.lanes.add(&found, now) {
            self.requeue_users();
        }
        self.patience.update();
    }

    /// Answers can be received from now on.
    pub fn subscribed(&mut self) {
        self.subscribed = true;
    }

    /// Answers may have been missed, so whatever is in flight is taken back.
    pub fn subscription_lost(&mut self, now: Instant) {
        self.subscribed = false;
        for flight in self.flights.all() {
            self.withdraw(flight, now);
        }
        self.lanes.forget_heartbeats();
    }

    pub(super) fn remove_lane(&mut self, lane: &str, now: Instant) {
        if self.lanes.remove(lane) {
            self.withdraw_lane(lane, now);
        }
    }

    pub(super) fn heartbeat_answered(&mut self, ack: Ack, now: Instant) {
        let Some(sent) = self.lanes.heartbeat_sent(&ack.lane, ack.frame) else {
            return;
        };
        self.lane_answered(&ack.lane, sent, now);
        match ack.answer {
            Answer::Unwell(unwell) => self.unwell(&ack.lane, unwell, Vec::new(), now),
            Answer::Results(_) => self.lane_well(&ack.lane, true),
        }
    }

    pub(super) fn lane_answered(&mut self, lane: &str, sent: Instant, now: Instant) {
        if self.lanes.answered(lane, sent, now) {
            self.requeue_users();
        }
    }

    /// The lane's agent has processed a frame of events, or answered a heartbeat.
    pub(super) fn lane_well(&mut self, lane: &str, heartbeat: bool) {
        if self.lanes.well(lane, heartbeat, self.unsettled() == 0) {
            self.requeue_users();
        }
    }

    /// So many processes received a message of the lane.
    pub(super) fn lane_received(&mut self, lane: &str, receivers: u64) {
        let shared = receivers > 1;
        if shared {
            let messages = &self.settings.metrics.shared_messages;
            messages
                .with_label_values(&[self.settings.group.name])
                .inc();
        }
        if self.lanes.set_shared(lane, shared) {
            self.requeue_users();
        }
    }

    pub(super) fn observe_latency(&mut self, latency: Duration) {
        let answers = &self.settings.metrics.answer_duration;
        answers
            .with_label_values(&[self.settings.group.name])
            .observe(latency.as_secs_f64());
        self.patience.record(latency);
    }

    /// The lane has answered a message that was sent later, so its agent will never answer this frame: its handler ended
    /// without an answer.
    fn frame_skipped(&mut self, flight: u64, now: Instant) {
        let Some(flight) = self.flights.land(flight) else {
            return;
        };
        let first = flight.events.first();
        let first = first.map(|event| event.record().entry.event_id);
        warn!(
            lane = flight.lane,
            events = flight.events.len(),
            ?first,
            "the agent did not answer a frame, but answered a later message"
        );
        self.late.remember(&flight, now);
        let events = self.end(flight);
        self.unanswered(events, now);
    }

    fn send_heartbeat(&mut self, lane: &str, now: Instant) {
        if !self.subscribed {
            return;
        }
        let Some(frame) = self.lanes.start_heartbeat(lane, now) else {
            return;
        };
        let head = Head {
            frame,
            epoch: self.assignments.epoch(),
            lane,
            reply_to: &self.settings.reply_to,
            attempt: 1,
            kind: Kind::Heartbeat,
        };
        let body = wire::encode(&head, [].iter());
        let lane = lane.to_owned();
        self.actions
            .push(Action::Publish(Message { frame, lane, body }));
    }

    /// The lane gets no more work: takes its flights back and gives its users other lanes.
    fn withdraw_lane(&mut self, lane: &str, now: Instant) {
        for flight in self.flights.on_lane(lane) {
            self.withdraw(flight, now);
        }
        self.requeue_users();
    }
}
