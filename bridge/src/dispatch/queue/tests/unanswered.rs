//! Frames without an answer: an agent that is only slow, and an event that kills its handler.

use std::collections::BTreeSet;

use domain::frame::Outcome;

use super::harness::{BACKOFF, Body, FULL, Harness, MS, SECOND, Sent};
use crate::dispatch::queue::ack_timeout::MIN_ACK_TIMEOUT;

#[test]
fn a_late_frame_is_sent_again_and_keeps_its_place_in_the_credit() {
    let mut h = Harness::new(&["a"]);
    for user in 0..3 {
        h.read(user, FULL);
    }
    let sent = h.sent();
    assert_eq!(sent.len(), 2);
    h.wait(MIN_ACK_TIMEOUT - MS);
    h.nothing_sent();
    h.wait(MS);
    let again = h.sent();
    let events = |frames: &[Sent]| {
        frames
            .iter()
            .map(|sent| sent.events.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(events(&again), events(&sent), "no third frame");
    assert_eq!(h.queue.frames_in_flight(), 2);
}

#[test]
fn an_answer_to_any_sending_settles_the_frame() {
    let mut h = Harness::new(&["a"]);
    h.read(1, FULL);
    let first = h.one();
    h.wait(MIN_ACK_TIMEOUT);
    let second = h.one();
    assert_ne!(first.frame.frame, second.frame.frame);
    h.done(&first);
    assert_eq!((h.mark(0), h.queue.unsettled()), (4, 0));
    h.answer_all(&second, Outcome::Reject);
    assert!(h.letters.is_empty());
}

#[test]
fn a_slow_agent_never_costs_an_event() {
    let mut h = Harness::new(&["a"]);
    h.read(1, FULL);
    let first = h.one();
    h.published(&first, Some(1));
    // The lane is busy with the frame: it answers heartbeats that were sent before, and none that was sent after.
    for _ in 0..25 {
        h.wait(BACKOFF);
        for sent in h.sent() {
            h.published(&sent, Some(1));
        }
    }
    assert!(h.letters.is_empty());
    h.done(&first);
    assert_eq!((h.mark(0), h.queue.unsettled()), (4, 0));
}

#[test]
fn a_frame_is_delivered_again_once_its_agent_has_answered_a_later_message() {
    let mut h = Harness::new(&["a"]);
    h.read(1, FULL);
    let first = h.one();
    h.published(&first, Some(1));
    h.wait(SECOND / 2);
    let second = h.one();
    h.published(&second, Some(1));
    h.wait(SECOND / 2);
    assert_eq!(h.queue.frames_in_flight(), 1);
    h.answer_heartbeats();
    assert_eq!(h.queue.frames_in_flight(), 0);
    h.wait(BACKOFF - MS);
    h.nothing_sent();
    h.wait(MS);
    let again = h.one();
    assert_eq!((again.attempt(), &again.events), (3, &first.events));
    h.done(&again);
    assert_eq!((h.mark(0), h.queue.unsettled()), (4, 0));
}

/// An agent that handles each frame at once, and dies of every frame that holds the poison.
struct Agent {
    poison: Body,
    /// Sizes of the frames with the poison, without those that were sent again unchanged.
    sizes: Vec<usize>,
    applied: BTreeSet<Body>,
}

impl Agent {
    fn handle(&mut self, h: &mut Harness) {
        for sent in h.sent() {
            h.published(&sent, Some(1));
            if sent.events.contains(&self.poison) {
                self.sizes.push(sent.events.len());
            } else {
                self.applied.extend(&sent.events);
                h.done(&sent);
            }
        }
        h.answer_heartbeats();
    }
}

#[test]
fn a_poison_event_is_halved_until_it_stands_alone_and_the_others_are_applied() {
    let mut h = Harness::new(&["a"]);
    for user in 0..8 {
        h.read(user, 1);
    }
    let mut agent = Agent {
        poison: Body { user: 5, seq: 0 },
        sizes: Vec::new(),
        applied: BTreeSet::new(),
    };
    for _ in 0..600 {
        agent.handle(&mut h);
        h.wait(BACKOFF);
    }
    assert_eq!(h.letters.len(), 1);
    assert_eq!(h.letters[0].record.offset, 5);
    assert_eq!(
        h.letters[0].reason,
        "the agent died 5 times while it handled this event, and never answered"
    );
    assert_eq!(agent.applied.len(), 7);
    let mut sizes = agent.sizes.clone();
    sizes.dedup();
    assert_eq!(sizes, [4, 2, 1]);
    h.write_letters();
    assert_eq!((h.mark(0), h.queue.unsettled()), (8, 0));
}

#[test]
fn a_frame_is_halved_only_after_three_failures() {
    let mut h = Harness::new(&["a"]);
    h.read(1, FULL);
    for failures in 1..=3 {
        let sent = h.one();
        assert_eq!(sent.events.len(), FULL, "failure {failures}");
        h.answer(&sent, []);
        h.wait(BACKOFF);
    }
    assert_eq!(h.one().events.len(), FULL / 2);
}

#[test]
fn an_event_alone_is_dead_lettered_after_five_failures() {
    let mut h = Harness::new(&["a"]);
    h.read(1, 1);
    h.wait(BACKOFF);
    for failures in 1..=5 {
        assert!(h.letters.is_empty(), "failure {failures}");
        let sent = h.one();
        h.answer(&sent, []);
        h.wait(BACKOFF);
    }
    assert_eq!(h.letters.len(), 1);
    h.nothing_sent();
}

#[test]
fn events_that_failed_never_share_a_frame_with_others() {
    let mut h = Harness::new(&["a"]);
    h.read(1, 2);
    let sent = h.next();
    h.answer(&sent, []);
    h.read(1, 1);
    h.read(2, 1);
    h.wait(BACKOFF);
    let sent = h.sent();
    let events = |sent: &Sent| {
        sent.events
            .iter()
            .map(|event| (event.user, event.seq))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        sent.iter().map(events).collect::<Vec<_>>(),
        [vec![(1, 0), (1, 1)], vec![(2, 0)]]
    );
}
