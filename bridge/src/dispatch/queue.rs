//! The events that a group has read and not settled: decides what is sent, sent again, dead-lettered and settled.
//!
//! The queue does no I/O and reads no clock. Its caller passes the time, reports what happened, and carries out the
//! [`Action`]s. Each kind of state has one owner: [`Assignments`], [`Users`], [`Lanes`], [`Flights`], [`DeadLetters`],
//! [`Marks`] and [`AckTimeout`]. The queue itself only passes events between them.

mod event;
mod marks;
mod assignments;
mod users;
mod batch;
mod lane;
mod lanes;
mod flights;
mod ack_timeout;
mod outcomes;
mod liveness;
mod dead_letters;
#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use self::ack_timeout::AckTimeout;
use self::assignments::Assignments;
pub use self::batch::Limits;
pub use self::dead_letters::DeadLetter;
use self::dead_letters::DeadLetters;
use self::event::Event;
use self::flights::Flights;
use self::lanes::Lanes;
use self::marks::Marks;
use self::users::Users;
use super::doorbell::Message;
use crate::log::{FOR_GROUP, Mark, Partition, Record};
use crate::metrics::Metrics;
use crate::policy::{Failure, Fate};

/// How long the caller may sleep when nothing is due.
const MAX_SLEEP: Duration = Duration::from_millis(200);
/// How long the caller sleeps at least, so that it cannot spin.
const MIN_SLEEP: Duration = Duration::from_millis(1);

/// What a queue needs from its owner for as long as it lives.
pub struct Settings {
    /// The group's name.
    pub group: &'static str,
    pub limits: Limits,
    /// The channel that agents answer on.
    pub reply_to: String,
    /// Decides what happens after a failure. A parameter because backoff is random.
    pub policy: fn(&Failure<'_>) -> Fate,
    pub metrics: Metrics,
}

/// What the caller has to do.
#[derive(Debug)]
pub enum Action {
    /// Publish the message, then report to [`Queue::published`].
    Publish(Message),
    /// Write the dead letter, then report to [`Queue::dead_letter_written`].
    DeadLetter(Box<DeadLetter>),
}

pub struct Queue {
    settings: Settings,
    assignments: Assignments,
    users: Users,
    lanes: Lanes,
    flights: Flights,
    dead_letters: DeadLetters,
    marks: Marks,
    ack_timeout: AckTimeout,
    /// False while answers cannot be received. Nothing is sent then.
    subscribed: bool,
    actions: Vec<Action>,
}

impl Queue {
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            assignments: Assignments::default(),
            users: Users::default(),
            lanes: Lanes::default(),
            flights: Flights::default(),
            dead_letters: DeadLetters::default(),
            marks: Marks::default(),
            ack_timeout: AckTimeout::default(),
            subscribed: false,
            actions: Vec::new(),
        }
    }

    /// Events read and not settled.
    pub fn unsettled(&self) -> usize {
        self.users.waiting() + self.flights.events() + self.dead_letters.len()
    }

    pub fn frames_in_flight(&self) -> usize {
        self.flights.len()
    }

    /// Partitions that are read here.
    pub fn partitions(&self) -> usize {
        self.assignments.len()
    }

    /// Lanes that may be given work.
    pub fn live_lanes(&self) -> usize {
        self.lanes.live()
    }

    /// What the caller has to do since the last call, in order.
    pub fn take_actions(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.actions)
    }

    /// The marks that have moved since the last call.
    pub fn take_marks(&mut self) -> Vec<Mark> {
        self.marks.take()
    }

    /// Records of these partitions are read here from now on.
    pub fn assign(&mut self, partitions: Vec<Partition>) {
        self.assignments.assign(partitions);
    }

    /// Takes records that were read, in order of offset. Records of partitions that are not assigned are ignored.
    pub fn read(&mut self, records: Vec<Record>, now: Instant) {
        for record in records {
            let partition = &record.partition;
            let Some(assignment) = self.assignments.current(partition) else {
                continue;
            };
            self.marks.read(partition, record.offset);
            let for_group = record.entry.headers.get(FOR_GROUP);
            if for_group.is_some_and(|group| group != self.settings.group) {
                self.marks.settle(partition, record.offset);
            } else if !self.assignments.is_handing_over(partition)
                && let Some(user) = self.users.push(Event::new(record, assignment, now))
            {
                self.lanes.enqueue(user);
            }
        }
    }

    /// The partitions are read elsewhere: from now on without `settled`, otherwise once `settled` is signalled. Until then
    /// frames in flight may settle for up to `limit`, but nothing new is sent.
    pub fn revoke(
        &mut self,
        partitions: Vec<Partition>,
        settled: Option<oneshot::Sender<()>>,
        limit: Duration,
        now: Instant,
    ) {
        self.users.drop_partitions(&partitions);
        self.requeue_users();
        match settled {
            Some(settled) => self
                .assignments
                .start_hand_over(partitions, settled, now + limit),
            None => {
                self.assignments.revoke(&partitions);
                self.marks.forget(&partitions);
            }
        }
    }

    /// Signals the waiting reader of each hand-over that is over. The caller passes on the marks first: the next reader starts
    /// from them.
    pub fn finish_hand_overs(&mut self, now: Instant) {
        let (flights, dead_letters) = (&self.flights, &self.dead_letters);
        let in_flight = |partitions: &[Partition]| {
            flights.carry(partitions) || dead_letters.pending_for(partitions)
        };
        let finished = self.assignments.finish_hand_overs(now, in_flight);
        self.marks.forget(&finished);
    }

    /// Sends all frames that may be sent now.
    pub fn send_due(&mut self, now: Instant) {
        if !self.subscribed {
            return;
        }
        for lane in self.lanes.names() {
            while let Some(events) =
                self.lanes
                    .next_batch(&lane, &mut self.users, &self.settings.limits, now)
            {
                let flight = self
                    .flights
                    .begin(&lane, self.assignments.epoch(), events, now);
                self.send(flight, Duration::ZERO, now);
            }
        }
    }

    /// Sends a flight, for the first time or again. It is late after the ack timeout and `extra`.
    fn send(&mut self, flight: u64, extra: Duration, now: Instant) {
        let deadline = now + self.ack_timeout.current() + extra;
        if let Some(message) = self
            .flights
            .send(flight, &self.settings.reply_to, deadline, now)
        {
            self.settings
                .metrics
                .frames
                .with_label_values(&[self.settings.group])
                .inc();
            self.actions.push(Action::Publish(message));
        }
    }

    /// Lanes or waiting events have changed: every ready user finds its lane anew. Users in flight do so when they land.
    fn requeue_users(&mut self) {
        self.lanes.clear_queues();
        for user in self.users.ready() {
            self.lanes.enqueue(user);
        }
    }

    /// When [`Queue::tick`] is to be called next, unless something is reported before.
    pub fn next_wake(&self, now: Instant) -> Instant {
        let batch = self
            .lanes
            .next_batch_due(&self.settings.limits)
            .filter(|_| self.subscribed);
        let due = [
            self.users.next_timer(),
            batch,
            self.flights.next_deadline(),
            self.assignments.next_deadline(),
        ];
        let wake = due
            .into_iter()
            .flatten()
            .fold(now + MAX_SLEEP, Instant::min);
        wake.max(now + MIN_SLEEP)
    }
}
