//! Frames without an answer: an agent that is only slow, and an event that kills its handler.

use std::collections::BTreeSet;

use super::harness::{BACKOFF, Body, FULL, Harness, MS, SECOND, Sent};
use crate::groups::USUAL;

#[test]
fn a_frame_is_sent_once_however_long_its_agent_takes() {
    let mut h = Harness::new(&["a"]);
    for user in 0..3 {
        h.read(user, FULL);
    }
    let sent = h.sent();
    assert_eq!(sent.len(), 2);
    for sent in &sent {
        h.published(sent, Some(1));
    }
    for _ in 0..100 {
        h.wait(BACKOFF);
        h.nothing_sent();
    }
    assert_eq!((h.fit_lanes(), h.queue.frames_in_flight()), (1, 2));
    h.done(&sent[0]);
    assert_eq!(h.mark(0), 4);
    let third = h.one();
    assert_eq!(third.attempt(), 1);
    assert!(h.letters.is_empty());
}

#[test]
fn a_frame_is_delivered_again_once_its_agent_has_answered_a_later_message() {
    let mut h = Harness::new(&["a"]);
    h.read(1, FULL);
    let first = h.one();
    h.published(&first, Some(1));
    h.wait(SECOND);
    assert_eq!(h.queue.frames_in_flight(), 1);
    h.answer_heartbeats();
    assert_eq!(h.queue.frames_in_flight(), 0);
    h.wait(BACKOFF - MS);
    h.nothing_sent();
    h.wait(MS);
    let again = h.one();
    assert_eq!((again.attempt(), &again.events), (2, &first.events));
    h.done(&again);
    assert_eq!((h.mark(0), h.queue.unsettled()), (4, 0));
}

#[test]
fn a_frame_is_not_skipped_before_the_agent_has_had_its_usual_time() {
    let mut h = Harness::new(&["a"]);
    h.wait(SECOND - MS);
    h.read(1, FULL);
    let sent = h.one();
    h.wait(MS);
    // Another process, which takes over the lane, answers the heartbeat at once.
    h.answer_heartbeats();
    h.wait(USUAL.patience.0 - 2 * MS);
    assert_eq!(h.queue.frames_in_flight(), 1);
    h.done(&sent);
    assert_eq!((h.mark(0), h.queue.unsettled()), (4, 0));
}

/// An agent that handles each frame at once, and dies of every frame that holds the poison.
struct Agent {
    poison: Body,
    /// Sizes of the frames with the poison.
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
