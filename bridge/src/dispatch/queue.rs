//! The events that a group has read and not settled: decides what is sent, sent again, dead-lettered and settled.
//!
//! The queue does no I/O and reads no clock. Its caller passes the time, reports what happened, and carries out the
//! [`Action`]s. Each kind of state has one owner: [`Assignments`], [`Users`], [`Lanes`], [`Flights`], [`LateAnswers`],
//! [`DeadLetters`], [`Paused`], [`Marks`] and [`Patience`]. The queue itself only passes events between them.

mod event;
mod marks;
mod assignments;
mod users;
mod batch;
mod lane;
mod lanes;
mod flights;
mod late;
mod patience;
mod paused;
mod outcomes;
mod liveness;
mod dead_letters;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::time::{Duration, Instant, SystemTime};

use serde::Deserialize;
use tokio::sync::oneshot;

use self::assignments::Assignments;
pub use self::dead_letters::DeadLetter;
use self::dead_letters::DeadLetters;
use self::event::{Event, Size};
use self::flights::Flights;
pub use self::lane::Fitness;
use self::lanes::Lanes;
use self::late::LateAnswers;
use self::marks::Marks;
use self::patience::Patience;
use self::paused::Paused;
use self::users::Users;
use crate::doorbell::Message;
use crate::groups::{Group, Types};
use crate::log::{FOR_GROUP, Mark, Partition, Record};
use crate::metrics::Metrics;
use crate::policy::{Failure, Fate};
use crate::traces::Delivered;

/// How long the caller may sleep when nothing is due.
const MAX_SLEEP: Duration = Duration::from_secs(1);
/// How long the caller sleeps at least, so that it cannot spin.
const MIN_SLEEP: Duration = Duration::from_millis(1);

/// What a queue needs from its owner for as long as it lives.
pub struct Settings {
    pub group: &'static Group,
    /// The channel that agents answer on.
    pub reply_to: String,
    /// Decides what happens after a failure. A parameter because backoff is random.
    pub policy: fn(&Failure<'_>) -> Fate,
    pub metrics: Metrics,
    /// Whether the caller wants [`Action::Trace`].
    pub traced: bool,
}

/// The type of an event.
#[derive(Deserialize)]
struct Typed<'a> {
    #[serde(borrow, rename = "type")]
    name: Cow<'a, str>,
}

/// What the caller has to do.
#[derive(Debug)]
pub enum Action {
    /// Publish the message, then report to [`Queue::published`].
    Publish(Message),
    /// Write the dead letter, then report to [`Queue::dead_letter_written`]. Report to [`Queue::dead_letter_failed`] if that
    /// keeps failing, and go on trying.
    DeadLetter(Box<DeadLetter>),
    /// An agent has processed an event: export its spans.
    Trace(Box<Delivered>),
}

pub struct Queue {
    settings: Settings,
    assignments: Assignments,
    users: Users,
    lanes: Lanes,
    flights: Flights,
    late: LateAnswers,
    dead_letters: DeadLetters,
    paused: Paused,
    marks: Marks,
    patience: Patience,
    /// False while answers cannot be received. Nothing is sent then.
    subscribed: bool,
    actions: Vec<Action>,
}

impl Queue {
    pub fn new(settings: Settings) -> Self {
        Self {
            assignments: Assignments::default(),
            users: Users::default(),
            lanes: Lanes::new(settings.group),
            flights: Flights::default(),
            late: LateAnswers::default(),
            dead_letters: DeadLetters::default(),
            paused: Paused::default(),
            marks: Marks::default(),
            patience: Patience::new(settings.group.patience),
            subscribed: false,
            actions: Vec::new(),
            settings,
        }
    }

    /// Number of events read and not settled.
    pub fn unsettled(&self) -> usize {
        self.held().events
    }

    /// The events read and not settled.
    pub fn held(&self) -> Size {
        let waiting = [self.users.waiting(), self.paused.events()];
        let leaving = [self.flights.events(), self.dead_letters.events()];
        waiting.into_iter().chain(leaving).sum()
    }

    /// When the oldest record that is read and not settled was appended to the log.
    pub fn oldest(&self) -> Option<SystemTime> {
        self.marks.oldest()
    }

    pub fn frames_in_flight(&self) -> usize {
        self.flights.len()
    }

    /// Partitions that are read here.
    pub fn partitions(&self) -> usize {
        self.assignments.len()
    }

    /// How many lanes are fit for this.
    pub fn lanes(&self, fitness: Fitness) -> usize {
        self.lanes.count(fitness)
    }

    /// The code and the error of a lane whose agent cannot work, if there is one.
    pub fn sickness(&self) -> Option<(&str, &str)> {
        self.lanes.sickness()
    }

    /// Partitions that get no work until a dead letter is written.
    pub fn paused_partitions(&self) -> impl Iterator<Item = &Partition> {
        self.paused.partitions()
    }

    /// What the caller has to do since the last call, in order.
    pub fn take_actions(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.actions)
    }

    /// The marks that have moved since the last call.
    pub fn take_marks(&mut self) -> Vec<Mark> {
        self.marks.take()
    }

    /// Records of these partitions are read here from now on, from their marks. Whatever an earlier assignment of them has left
    /// is void.
    pub fn assign(&mut self, partitions: &[Partition]) {
        self.forget_waiting(partitions);
        self.marks.forget(partitions);
        self.assignments.assign(partitions);
    }

    fn forget_waiting(&mut self, partitions: &[Partition]) {
        self.users.take_partitions(partitions);
        self.paused.forget(partitions);
        self.requeue_users();
    }

    /// Takes records that were read, in order of offset. Records of partitions that are not assigned are ignored.
    pub fn read(&mut self, records: Vec<Record>, now: Instant) {
        for record in records {
            let partition = &record.partition;
            let Some(assignment) = self.assignments.current(partition) else {
                continue;
            };
            self.marks.read(&record);
            let for_group = record.entry.headers.get(FOR_GROUP);
            if for_group.is_some_and(|group| group != self.settings.group.name)
                || !self.is_wanted(&record)
            {
                self.marks.settle(partition, record.offset);
            } else if !self.assignments.is_handing_over(partition) {
                self.push(Event::new(record, assignment, now));
            }
        }
    }

    /// True if the agent gets events of this record's type. An event that is not readable is for the agent to judge.
    fn is_wanted(&self, record: &Record) -> bool {
        let types = self.settings.group.types;
        types == Types::All
            || serde_json::from_slice(&record.entry.event)
                .map_or(true, |Typed { name }| types.want(&name))
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
        self.forget_waiting(&partitions);
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
        let in_flight = |assignments: &[(Partition, u64)]| {
            flights.carry(assignments) || dead_letters.pending_for(assignments)
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
            while let Some(events) = self.lanes.next_batch(&lane, &mut self.users, now) {
                let (epoch, reply_to) = (self.assignments.epoch(), &self.settings.reply_to);
                let message = self.flights.begin(&lane, epoch, reply_to, events, now);
                let frames = &self.settings.metrics.frames;
                frames.with_label_values(&[self.settings.group.name]).inc();
                self.actions.push(Action::Publish(message));
            }
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
        let batch = self.lanes.next_batch_due().filter(|_| self.subscribed);
        let heartbeat = self.lanes.next_heartbeat().filter(|_| self.subscribed);
        let due = [
            self.users.next_timer(),
            batch,
            heartbeat,
            self.lanes.next_rest_end(),
            self.assignments.next_deadline(),
        ];
        let wake = due
            .into_iter()
            .flatten()
            .fold(now + MAX_SLEEP, Instant::min);
        wake.max(now + MIN_SLEEP)
    }
}
