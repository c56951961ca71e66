//! How frames end: with an answer, skipped by their agent, or withdrawn. Each event is then settled, tried again,
//! dead-lettered, or left to the next reader of its partition.

use std::time::{Duration, Instant};

use domain::frame::{Ack, Answer, EventResult, Outcome, Unwell};
use tracing::{debug, error, warn};
use uuid::Uuid;

use super::event::{Event, EventKey};
use super::flights::Flight;
use super::late::Ended;
use super::users::Landing;
use super::{Action, Queue};
use crate::log::Partition;
use crate::metrics::Cause;
use crate::policy::{Failure, Fate};
use crate::traces::Delivered;

/// Whether the event may have caused the failure.
fn blames_event(cause: Cause) -> bool {
    match cause {
        Cause::Agent | Cause::Unanswered => true,
        Cause::Later | Cause::Unwell | Cause::Away => false,
    }
}

impl Queue {
    /// An agent answered a frame or a heartbeat.
    pub fn answer(&mut self, ack: Ack, now: Instant) {
        if self.flights.contains(ack.frame) {
            match self.flights.answer(ack.frame, ack.epoch) {
                Some(flight) => self.frame_answered(flight, ack.answer, now),
                None => debug!(frame = %ack.frame, "ignored an answer of another epoch"),
            }
        } else if self.late.contains(ack.frame) {
            if let Some(ended) = self.late.answer(ack.frame, ack.epoch) {
                self.frame_answered_late(ended, ack.answer, now);
            }
        } else {
            self.heartbeat_answered(ack, now);
        }
    }

    fn frame_answered(&mut self, flight: Flight, answer: Answer, now: Instant) {
        self.observe_latency(now.duration_since(flight.sent));
        self.lane_answered(&flight.lane, flight.sent, now);
        let lane = flight.lane.clone();
        let (frame, took) = (flight.frame, now.duration_since(flight.sent));
        let events = self.end(flight);
        match answer {
            Answer::Unwell(unwell) => self.unwell(&lane, unwell, events, now),
            Answer::Results(results) if events.len() != results.len() => {
                warn!(
                    %frame, lane, events = events.len(), results = results.len(),
                    "an answer has another number of results than its frame has events"
                );
                self.unanswered(events, now);
            }
            Answer::Results(results) => {
                self.lane_well(&lane, false);
                if self.settings.traced {
                    self.trace(&events, &results, &lane, took);
                }
                self.results(events, results, now);
            }
        }
    }

    /// Asks for the spans of the events that are done.
    fn trace(&mut self, events: &[Event], results: &[EventResult], lane: &str, took: Duration) {
        let outcomes = events.iter().zip(results);
        for (event, _) in outcomes.filter(|(_, result)| result.outcome == Outcome::Done) {
            self.actions.push(Action::Trace(Box::new(Delivered {
                record: event.record().clone(),
                group: self.settings.group.name,
                lane: lane.to_owned(),
                took,
            })));
        }
    }

    fn results(&mut self, events: Vec<Event>, results: Vec<EventResult>, now: Instant) {
        let batch = events.len();
        let mut landings = Vec::with_capacity(batch);
        for (mut event, result) in events.into_iter().zip(results) {
            let error = result.error.as_deref().unwrap_or("no reason given");
            landings.push(match result.outcome {
                Outcome::Done => self.done(&event),
                Outcome::Retry => {
                    let failure = Failure::Retry {
                        times: event.count_retry(),
                        limit: self.settings.group.retries,
                        together: batch,
                        error,
                    };
                    self.failed(event, &failure, Cause::Agent, now)
                }
                Outcome::Later => {
                    event.uncount_attempt();
                    let after = Duration::from_millis(result.after_ms);
                    self.failed(event, &Failure::Later { after }, Cause::Later, now)
                }
                Outcome::Reject => {
                    self.failed(event, &Failure::Rejected { error }, Cause::Agent, now)
                }
            });
        }
        self.land(landings, now);
    }

    /// The agent answered a frame that has ended meanwhile. What it reports as done is durable, so it is settled wherever the
    /// event is now. Everything else is being tried again already.
    fn frame_answered_late(&mut self, ended: Ended, answer: Answer, now: Instant) {
        self.observe_latency(now.duration_since(ended.sent));
        self.lane_answered(&ended.lane, ended.sent, now);
        match answer {
            Answer::Unwell(unwell) => self.unwell(&ended.lane, unwell, Vec::new(), now),
            Answer::Results(results) if results.len() == ended.events.len() => {
                self.lane_well(&ended.lane, false);
                for (event, result) in ended.events.iter().zip(results) {
                    if result.outcome == Outcome::Done {
                        self.settle_late(event);
                    }
                }
                self.requeue_users();
            }
            Answer::Results(_) => {}
        }
    }

    fn settle_late(&mut self, key: &EventKey) {
        let owned = self.assignments.current(&key.partition) == Some(key.assignment);
        if owned && (self.users.remove(key) || self.paused.remove(key) || self.flights.settle(key))
        {
            self.settle(&key.partition, key.offset);
        }
    }

    /// The agent of a lane cannot work. The events of the frame that it answered so, if any, are tried again.
    pub(super) fn unwell(&mut self, lane: &str, unwell: Unwell, events: Vec<Event>, now: Instant) {
        let times = self.lanes.unwell(lane, unwell, events.is_empty());
        let failure = Failure::Unwell { times };
        if let Fate::Retry { after, .. } = (self.settings.policy)(&failure) {
            // The lane rests longer than the events, which so go to another lane if there is one that can work.
            self.lanes.rest(lane, now + 2 * after);
        }
        let landing = |mut event: Event| {
            event.uncount_attempt();
            self.failed(event, &failure, Cause::Unwell, now)
        };
        let landings = events.into_iter().map(landing).collect();
        self.land(landings, now);
        self.requeue_users();
    }

    /// A published message reached so many subscribers of its lane, or `None` if Redis could not be asked. A lane without a
    /// subscriber is gone, which is not the fault of any event. Several subscribers share an instance name by mistake, or one
    /// replaces another.
    pub fn published(&mut self, frame: Uuid, lane: &str, receivers: Option<u64>, now: Instant) {
        match receivers {
            Some(receivers @ 1..) => {
                self.flights.received(frame);
                self.lane_received(lane, receivers);
            }
            Some(0) | None => {
                let lane = self.flights.lane_of(frame);
                if let Some(lane) = lane.or_else(|| self.lanes.lane_of_heartbeat(frame)) {
                    self.remove_lane(&lane, now);
                }
            }
        }
    }

    /// The log has the dead letter, so its event needs no more work here.
    pub fn dead_letter_written(&mut self, id: u64) {
        let Some(written) = self.dead_letters.written(id) else {
            return;
        };
        let (partition, assignment) = (&written.partition, written.assignment);
        if self.assignments.current(partition) != Some(assignment) {
            return;
        }
        self.marks.settle(partition, written.offset);
        if !self.dead_letters.failing_for(partition, assignment)
            && let Some(events) = self.paused.resume(partition)
        {
            for event in events {
                self.push(event);
            }
        }
    }

    /// Writing a dead letter keeps failing. Its partition gets no new work until it succeeds: the mark cannot move past the
    /// event, and everything beyond would be repeated after a restart.
    pub fn dead_letter_failed(&mut self, id: u64) {
        let Some(pending) = self.dead_letters.failed(id) else {
            return;
        };
        let partition = pending.partition.clone();
        if self.assignments.current(&partition) != Some(pending.assignment)
            || !self.paused.pause(&partition)
        {
            return;
        }
        error!(
            topic = &*partition.topic,
            partition = partition.number,
            "a dead letter cannot be written; its partition gets no work until it is"
        );
        for event in self.users.take_partitions(&[partition]) {
            self.paused.hold(event);
        }
        self.requeue_users();
    }

    /// A new or resumed event waits for a frame, or for the end of its partition's pause.
    pub(super) fn push(&mut self, event: Event) {
        if let Some(event) = self.paused.hold(event)
            && let Some(user) = self.users.push(event)
        {
            self.lanes.enqueue(user);
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
        let Some(flight) = self.flights.land(flight) else {
            return;
        };
        self.late.remember(&flight, now);
        let events = self.end(flight).into_iter();
        let landings = events
            .map(|event| self.failed(event, &Failure::Away, Cause::Away, now))
            .collect();
        self.land(landings, now);
    }

    /// Gives the lane its credit back.
    pub(super) fn end(&mut self, flight: Flight) -> Vec<Event> {
        self.lanes.return_credit(&flight.lane);
        flight.events
    }

    fn done(&mut self, event: &Event) -> Landing {
        if !event.is_settled() && self.assignments.owns(event) {
            self.settle(&event.record().partition, event.record().offset);
        }
        Landing::Gone(event.user())
    }

    /// An effect is durable.
    fn settle(&mut self, partition: &Partition, offset: i64) {
        self.marks.settle(partition, offset);
        self.settings
            .metrics
            .settled
            .with_label_values(&[self.settings.group.name])
            .inc();
    }

    fn failed(
        &mut self,
        mut event: Event,
        failure: &Failure<'_>,
        cause: Cause,
        now: Instant,
    ) -> Landing {
        let user = event.user();
        if event.is_settled() || !self.assignments.keeps(&event) {
            // If it is not settled, the next reader of the partition meets the event again.
            return Landing::Gone(user);
        }
        match (self.settings.policy)(failure) {
            Fate::Retry { after, together } => {
                if blames_event(cause) {
                    event.mark_failed(now);
                }
                event.limit_batch(together);
                let labels = &[self.settings.group.name, cause.label()];
                self.settings
                    .metrics
                    .redelivered
                    .with_label_values(labels)
                    .inc();
                match self.paused.hold(event) {
                    Some(event) => Landing::Again(event, after),
                    None => Landing::Gone(user),
                }
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
