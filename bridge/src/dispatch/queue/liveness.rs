//! Time passing and Redis changing: heartbeats, lanes that come and go, late frames, users whose backoff is over.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use domain::frame::{Ack, Kind};
use tracing::warn;

use super::ack_timeout::MIN_ACK_TIMEOUT;
use super::flights::Late;
use super::{Action, Queue};
use crate::dispatch::doorbell::Message;
use crate::dispatch::wire::{self, Head};
use crate::policy::{Failure, Fate};

impl Queue {
    /// Does what is due.
    pub fn tick(&mut self, now: Instant) {
        for user in self.users.end_backoffs(now) {
            self.lanes.enqueue(user);
        }
        for lane in self.lanes.names() {
            self.send_heartbeat(&lane, now);
            if self.lanes.check_heartbeats(&lane, now) {
                warn!(
                    lane,
                    "lane owes the answer to a heartbeat and gets no more work"
                );
                self.withdraw_lane(&lane, now);
            }
        }
        let lanes = &self.lanes;
        let late = self.flights.late(now, MIN_ACK_TIMEOUT, |lane, sent| {
            lanes.answered_after(lane, sent)
        });
        for late in late {
            self.frame_late(&late, now);
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
        if self.lanes.add(&found) {
            self.requeue_users();
        }
        self.ack_timeout.update();
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

    pub(super) fn heartbeat_answered(&mut self, ack: &Ack) {
        if let Some(sent) = self.lanes.heartbeat_sent(&ack.lane, ack.frame) {
            self.lane_answered(&ack.lane, sent);
        }
    }

    pub(super) fn lane_answered(&mut self, lane: &str, sent: Instant) {
        if self.lanes.answered(lane, sent) {
            self.requeue_users();
        }
    }

    pub(super) fn observe_latency(&mut self, latency: Duration) {
        let answers = &self.settings.metrics.answer_seconds;
        answers
            .with_label_values(&[self.settings.group])
            .observe(latency.as_secs_f64());
        self.ack_timeout.record(latency);
    }

    fn frame_late(&mut self, late: &Late, now: Instant) {
        if late.skipped {
            let Some(landed) = self.flights.land(late.number) else {
                return;
            };
            let first = landed
                .events
                .first()
                .map(|event| event.record().entry.event_id);
            warn!(
                lane = landed.lane,
                events = landed.events.len(),
                ?first,
                "the agent did not answer a frame, but answered a later message"
            );
            let events = self.end(landed);
            return self.unanswered(events, now);
        }
        // The agent may only be slow. The flight goes out again and keeps its place in the lane's credit.
        let failure = Failure::Late {
            sendings: late.sendings,
        };
        if let Fate::Retry { after, .. } = (self.settings.policy)(&failure) {
            let labels = &[self.settings.group, "late"];
            self.settings
                .metrics
                .redelivered
                .with_label_values(labels)
                .inc();
            self.send(late.number, after, now);
        }
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
