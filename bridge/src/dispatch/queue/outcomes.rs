//! How frames end: with an answer, skipped by their agent, or withdrawn. Each event is then settled, tried again,
//! dead-lettered, or left to the next reader of its partition.

use std::time::Instant;

use domain::frame::{Ack, Outcome};
use tracing::{debug, warn};
use uuid::Uuid;

use super::event::Event;
use super::flights::{Answered, Landed};
use super::users::Landing;
use super::{Action, Queue};
use crate::policy::{Failure, Fate};

/// Why an event is delivered again: the label of the metric, and whether the event counts as failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// The agent asked for it, or rejected the event.
    Agent,
    /// The agent did not answer the frame, but went on.
    Unanswered,
    /// The lane was gone or deaf, or Redis was away: no event is to blame.
    Away,
}

impl Cause {
    fn label(self) -> &'static str {
        match self {
            Self::Agent => "retry",
            Self::Unanswered => "died",
            Self::Away => "away",
        }
    }
}

impl Queue {
    /// An agent answered a frame or a heartbeat. Answers to frames that have ended are ignored.
    pub fn answer(&mut self, ack: Ack, now: Instant) {
        if !self.flights.contains(ack.frame) {
            return self.heartbeat_answered(&ack);
        }
        let Some(Answered { landed, sent }) = self.flights.answer(ack.frame, ack.epoch) else {
            debug!(frame = %ack.frame, "ignored an answer of another epoch");
            return;
        };
        self.observe_latency(now.duration_since(sent));
        self.lane_answered(&landed.lane, sent);
        let events = self.end(landed);
        if events.len() != ack.results.len() {
            warn!(
                frame = %ack.frame, lane = ack.lane, events = events.len(), results = ack.results.len(),
                "an answer has another number of results than its frame has events"
            );
            return self.unanswered(events, now);
        }
        let batch = events.len();
        let mut landings = Vec::with_capacity(batch);
        for (mut event, result) in events.into_iter().zip(ack.results) {
            let error = result.error.as_deref().unwrap_or("no reason given");
            let failure = match result.outcome {
                Outcome::Done => {
                    landings.push(self.done(&event));
                    continue;
                }
                Outcome::Retry => Failure::Retry {
                    times: event.count_retry(),
                    together: batch,
                    error,
                },
                Outcome::Reject => Failure::Rejected { error },
            };
            landings.push(self.failed(event, &failure, Cause::Agent, now));
        }
        self.land(landings, now);
    }

    /// A published message reached so many subscribers, or `None` if Redis could not be asked. A lane without a subscriber
    /// is gone, which is not the fault of any event.
    pub fn published(&mut self, frame: Uuid, receivers: Option<u64>, now: Instant) {
        if receivers.is_some_and(|receivers| receivers > 0) {
            return self.flights.received(frame);
        }
        let lane = self.flights.lane_of(frame);
        if let Some(lane) = lane.or_else(|| self.lanes.lane_of_heartbeat(frame)) {
            self.remove_lane(&lane, now);
        }
    }

    /// The log has the dead letter, so its event needs no more work here.
    pub fn dead_letter_written(&mut self, id: u64) {
        if let Some(written) = self.dead_letters.written(id)
            && self.assignments.current(&written.partition) == Some(written.assignment)
        {
            self.marks.settle(&written.partition, written.offset);
        }
    }

    /// The agent went on without answering these events' frame: any of them may be the cause.
    pub(super) fn unanswered(&mut self, events: Vec<Event>, now: Instant) {
        let batch = events.len();
        let landing = |mut event: Event| {
            let failure = Failure::Died {
                deaths: event.count_unanswered(),
                together: batch,
            };
            self.failed(event, &failure, Cause::Unanswered, now)
        };
        let landings = events.into_iter().map(landing).collect();
        self.land(landings, now);
    }

    /// Takes a flight back. Its events are to be sent again at once, and none of them is to blame.
    pub(super) fn withdraw(&mut self, flight: u64, now: Instant) {
        let Some(landed) = self.flights.land(flight) else {
            return;
        };
        let events = self.end(landed).into_iter();
        let landings = events
            .map(|event| self.failed(event, &Failure::Away, Cause::Away, now))
            .collect();
        self.land(landings, now);
    }

    /// Gives the lane its credit back.
    pub(super) fn end(&mut self, landed: Landed) -> Vec<Event> {
        self.lanes.return_credit(&landed.lane);
        landed.events
    }

    fn done(&mut self, event: &Event) -> Landing {
        if self.assignments.owns(event) {
            self.marks
                .settle(&event.record().partition, event.record().offset);
        }
        self.settings
            .metrics
            .settled
            .with_label_values(&[self.settings.group])
            .inc();
        Landing::Gone(event.user())
    }

    fn failed(
        &mut self,
        mut event: Event,
        failure: &Failure<'_>,
        cause: Cause,
        now: Instant,
    ) -> Landing {
        let user = event.user();
        if !self.assignments.keeps(&event) {
            // The next reader of the partition meets the event again.
            return Landing::Gone(user);
        }
        match (self.settings.policy)(failure) {
            Fate::Retry { after, together } => {
                if cause != Cause::Away {
                    event.mark_failed(now);
                }
                event.limit_batch(together);
                let labels = &[self.settings.group, cause.label()];
                self.settings
                    .metrics
                    .redelivered
                    .with_label_values(labels)
                    .inc();
                Landing::Again(event, after)
            }
            Fate::DeadLetter { reason } => {
                let letter = self.dead_letters.begin(event, reason, now);
                self.actions.push(Action::DeadLetter(Box::new(letter)));
                Landing::Gone(user)
            }
            // The event stays unsettled, so its mark stays before it until a person has acted.
            Fate::Halt => Landing::Gone(user),
        }
    }

    fn land(&mut self, landings: Vec<Landing>, now: Instant) {
        for user in self.users.land(landings, now) {
            self.lanes.enqueue(user);
        }
    }
}
