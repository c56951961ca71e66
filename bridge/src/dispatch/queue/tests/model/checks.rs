//! What must hold after every action, and at the end of every history.

use std::collections::{HashMap, HashSet};

use domain::frame::{Ack, Answer, Outcome};
use uuid::Uuid;

use super::agents::{Agents, Temper, temper};
use super::log::Log;
use crate::dispatch::queue::tests::harness::Body;
use crate::dispatch::queue::{DeadLetter, Queue};
use crate::groups::USUAL;
use crate::log::{Mark, Partition};

/// A record as one assignment of its partition has read it.
type Read = (Partition, i64, u64);

/// Why an event became a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    Rejected,
    Retried,
    Unanswered,
}

#[derive(Debug, Default)]
pub struct Checks {
    /// What this process has decided: done, or to be dead-lettered.
    decided: HashSet<Read>,
    /// What this process has settled: done, or dead-lettered with the log's confirmation.
    settled: HashSet<Read>,
    /// The offset from which the current assignment of each partition reads.
    from: HashMap<Partition, usize>,
    /// Events that this or an earlier process began to dead-letter. Later events of their users do not wait for them.
    given_up: HashSet<Body>,
}

impl Checks {
    pub fn restarted(&mut self) {
        self.decided.clear();
        self.settled.clear();
    }

    pub fn assigned(&mut self, partition: &Partition, next: i64) {
        self.from
            .insert(partition.clone(), usize::try_from(next).unwrap());
    }

    /// Credit, one frame for each user, and nothing delivered again that this assignment has decided.
    pub fn check(&self, queue: &Queue) {
        let held = queue.held();
        assert_eq!(held.events == 0, held.bytes == 0, "{held:?}");
        let (mut frames, mut flight_of) = (HashMap::new(), HashMap::<Uuid, u64>::new());
        for (number, lane, events) in queue.flights.iter() {
            *frames.entry(lane.to_owned()).or_insert(0) += 1;
            for event in events {
                let other = flight_of.insert(event.user(), number);
                assert!(
                    other.is_none_or(|other| other == number),
                    "a user is in two frames"
                );
                let record = event.record();
                let read = (record.partition.clone(), record.offset, event.assignment());
                assert!(
                    event.is_settled() || !self.settled.contains(&read),
                    "{read:?} is settled and in flight"
                );
            }
        }
        assert!(
            frames.values().all(|frames| *frames <= USUAL.credit),
            "{frames:?}"
        );
    }

    /// An answer is about to be reported: notes what it settles. Returns how many events that are settled although their frame
    /// had ended.
    pub fn answered(&mut self, ack: &Ack, queue: &Queue) -> usize {
        let Answer::Results(results) = &ack.answer else {
            return 0;
        };
        let done = |index: usize| {
            results
                .get(index)
                .is_some_and(|result| result.outcome == Outcome::Done)
        };
        if let Some(events) = queue.flights.events_of(ack.frame, ack.epoch) {
            if events.len() == results.len() {
                for (_, event) in events.iter().enumerate().filter(|(index, _)| done(*index)) {
                    if !event.is_settled() {
                        let record = event.record();
                        self.settle((record.partition.clone(), record.offset, event.assignment()));
                    }
                }
            }
            return 0;
        }
        let mut late = 0;
        if let Some(events) = queue.late.events_of(ack.frame, ack.epoch)
            && events.len() == results.len()
        {
            for (_, key) in events.iter().enumerate().filter(|(index, _)| done(*index)) {
                let read = (key.partition.clone(), key.offset, key.assignment);
                let current = queue.assignments.current(&key.partition) == Some(key.assignment);
                if current && !self.decided.contains(&read) {
                    self.settle(read);
                    late += 1;
                }
            }
        }
        late
    }

    fn settle(&mut self, read: Read) {
        self.decide(&read);
        self.settled.insert(read);
    }

    /// A dead letter has a cause.
    pub fn dead_letter_begun(
        &mut self,
        letter: &DeadLetter,
        queue: &Queue,
        agents: &Agents,
    ) -> Cause {
        self.decide(&read_of(letter, queue));
        let body = serde_json::from_slice(&letter.record.entry.event).unwrap();
        self.given_up.insert(body);
        let reason = letter.reason.as_str();
        if reason.starts_with("rejected") {
            assert!(agents.rejected.contains(&body), "{body:?}: {reason}");
            Cause::Rejected
        } else if reason.starts_with("failed again") {
            let retries = agents.retries.get(&body).copied().unwrap_or(0);
            assert!(retries > 5, "{body:?}: {reason}");
            Cause::Retried
        } else {
            Cause::Unanswered
        }
    }

    /// The log has a dead letter, which is about to be reported.
    pub fn dead_letter_written(&mut self, letter: &DeadLetter, queue: &Queue) {
        self.settled.insert(read_of(letter, queue));
    }

    fn decide(&mut self, read: &Read) {
        assert!(
            self.decided.insert(read.clone()),
            "{read:?} is settled twice"
        );
    }

    /// A mark passes only records that its assignment has settled or that are for another group. Their events took effect,
    /// or the dead-letter topic holds them.
    pub fn check_marks(&self, marks: &[Mark], queue: &Queue, log: &Log, agents: &Agents) {
        for mark in marks {
            let (from, passed) = (
                self.from[&mark.partition],
                usize::try_from(mark.next).unwrap(),
            );
            let assignment = queue.assignments.current(&mark.partition).unwrap();
            let records = log.records[&mark.partition].iter().enumerate();
            for (offset, stored) in records
                .take(passed)
                .filter(|(_, stored)| !stored.for_other_group)
            {
                let body = stored.body;
                let somewhere = agents.applied.contains(&body) || log.dead_letters.contains(&body);
                assert!(somewhere, "{mark:?} passed {body:?}");
                let read = (
                    mark.partition.clone(),
                    i64::try_from(offset).unwrap(),
                    assignment,
                );
                assert!(
                    offset < from || self.settled.contains(&read),
                    "{mark:?} passed {read:?}"
                );
            }
        }
    }

    /// Every event took effect or is a dead letter, and the first effects of a user's events in a partition are in order.
    pub fn check_everything_settled(&self, log: &Log, agents: &Agents) {
        let place: HashMap<Body, usize> = agents.effects.iter().copied().zip(0..).collect();
        for records in log.records.values() {
            let mut last: HashMap<u64, (usize, Body)> = HashMap::new();
            for stored in records.iter().filter(|stored| !stored.for_other_group) {
                let body = stored.body;
                assert!(
                    place.contains_key(&body) || log.dead_letters.contains(&body),
                    "{body:?} is lost"
                );
                if temper(body) != Temper::Good {
                    assert!(log.dead_letters.contains(&body), "{body:?} never works");
                }
                let (Some(place), false) = (place.get(&body), self.given_up.contains(&body)) else {
                    continue;
                };
                let before = last.insert(body.user, (*place, body));
                let in_order = before.is_none_or(|(before, _)| before < *place);
                assert!(in_order, "{body:?} took effect before {before:?}");
            }
        }
    }
}

fn read_of(letter: &DeadLetter, queue: &Queue) -> Read {
    let (partition, offset) = (letter.record.partition.clone(), letter.record.offset);
    (
        partition,
        offset,
        queue.dead_letters.assignment_of(letter.id).unwrap(),
    )
}
