//! Agents that cannot work now, and events that have to wait for something: nothing counts against the events.

use std::time::Duration;

use domain::frame::Outcome;

use super::harness::{BACKOFF, FRAME_WAIT, FULL, Harness, LATER_MS, MS, SECOND, seqs_of, users_of};
use crate::dispatch::queue::Fitness;

/// How long a lane rests here.
const REST: Duration = Duration::from_millis(200);

#[test]
fn events_that_meet_an_agent_that_cannot_work_are_tried_for_ever_and_never_blamed() {
    let mut h = Harness::new(&["a"]);
    h.read(1, FULL);
    for _ in 0..100 {
        let sent = h.one();
        assert_eq!((sent.attempt(), sent.events.len()), (1, FULL), "together");
        h.published(&sent, Some(1));
        h.unwell(&sent);
        h.wait(REST - MS);
        h.nothing_sent();
        h.wait(MS);
    }
    let sent = h.one();
    h.done(&sent);
    assert_eq!((h.mark(0), h.queue.unsettled()), (4, 0));
    assert!(h.letters.is_empty());
}

#[test]
fn a_sick_lane_is_shown_until_it_applies_events() {
    let mut h = Harness::new(&["a"]);
    h.read(1, FULL);
    let sent = h.one();
    h.unwell(&sent);
    assert_eq!((h.fit_lanes(), h.queue.lanes(Fitness::Sick)), (0, 1));
    assert_eq!(h.queue.sickness(), Some(("53100", "the disk is full")));
    // An empty frame needs no disk.
    h.wait(SECOND);
    h.answer_heartbeats();
    assert_eq!(h.queue.lanes(Fitness::Sick), 1);
    let sent = h.one();
    h.done(&sent);
    assert_eq!((h.fit_lanes(), h.queue.lanes(Fitness::Sick)), (1, 0));
    assert_eq!(h.queue.sickness(), None);
}

#[test]
fn a_sick_lane_gets_one_frame_at_a_time_after_a_rest() {
    let mut h = Harness::new(&["a"]);
    for user in 0..12 {
        h.read(user, 1);
    }
    let sent = h.sent();
    assert_eq!(sent.len(), 2);
    h.unwell(&sent[0]);
    h.unwell(&sent[1]);
    h.wait(REST - MS);
    h.nothing_sent();
    h.wait(MS);
    let probe = h.one();
    h.wait(FRAME_WAIT);
    h.nothing_sent();
    h.done(&probe);
    h.wait(FRAME_WAIT);
    assert_eq!(h.sent().len(), 2, "its full credit");
}

#[test]
fn a_heartbeat_ends_a_sickness_that_heartbeats_have_shown() {
    let mut h = Harness::new(&["a"]);
    h.wait(SECOND);
    let beat = h.heartbeats().remove(0);
    h.unwell(&beat);
    h.read(1, FULL);
    h.nothing_sent();
    assert_eq!(h.queue.lanes(Fitness::Sick), 1);
    h.wait(SECOND);
    let probe = h.one();
    h.answer_heartbeats();
    assert_eq!(h.fit_lanes(), 1);
    h.done(&probe);
    assert_eq!(h.mark(0), 4);
}

#[test]
fn an_idle_lane_does_not_stay_sick() {
    let mut h = Harness::new(&["a"]);
    h.read(1, FULL);
    let sent = h.one();
    h.unwell(&sent);
    // Another bridge has the events now.
    h.lose(0);
    h.wait(SECOND);
    h.answer_heartbeats();
    assert_eq!(h.fit_lanes(), 1);
}

#[test]
fn users_of_a_sick_lane_go_to_a_healthy_one() {
    let mut h = Harness::new(&["a", "b"]);
    for user in 0..16 {
        h.read(user, 1);
    }
    for _ in 0..4 * 16 {
        for sent in h.sent() {
            if sent.lane() == "a" {
                h.unwell(&sent);
            } else {
                h.done(&sent);
            }
        }
        h.answer_heartbeats();
        h.wait(BACKOFF / 4);
    }
    assert_eq!((h.mark(0), h.queue.unsettled()), (16, 0));
    assert!(h.letters.is_empty());
}

#[test]
fn later_waits_as_long_as_the_agent_asks_and_counts_nothing() {
    let mut h = Harness::new(&["a"]);
    h.read(1, 1);
    let mut sent = h.next();
    for _ in 0..20 {
        assert_eq!(sent.attempt(), 1);
        h.published(&sent, Some(1));
        h.answer_all(&sent, Outcome::Later);
        h.wait(Duration::from_millis(LATER_MS) - MS);
        h.nothing_sent();
        h.wait(MS);
        sent = h.one();
    }
    assert!(h.letters.is_empty());
    h.done(&sent);
    assert_eq!(h.mark(0), 1);
}

#[test]
fn a_user_with_a_later_event_waits_in_order_and_others_do_not() {
    let mut h = Harness::new(&["a"]);
    h.read(1, FULL);
    let sent = h.one();
    h.answer(
        &sent,
        [
            Outcome::Done,
            Outcome::Later,
            Outcome::Later,
            Outcome::Later,
        ],
    );
    h.read(1, 1);
    h.read(2, 1);
    let other = h.next();
    assert_eq!(users_of(std::slice::from_ref(&other)), [2].into());
    h.done(&other);
    h.wait(Duration::from_millis(LATER_MS));
    let again = h.one();
    assert_eq!(
        seqs_of(&again, 1),
        [1, 2, 3, 4],
        "together, as none is suspected"
    );
    h.done(&again);
    assert_eq!(h.mark(0), 6);
}
