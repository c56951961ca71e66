//! Which lane a user goes to, and what happens when lanes come and go.

use std::collections::HashMap;

use super::harness::{FRAME_WAIT, FULL, Harness, SECOND, seqs_of, users_of};
use crate::dispatch::queue::Fitness;

#[test]
fn a_user_keeps_its_lane() {
    let mut h = Harness::new(&["a", "b"]);
    let mut lanes: HashMap<u64, String> = HashMap::new();
    for _ in 0..5 {
        for user in 0..16 {
            h.read(user, 1);
        }
        h.wait(FRAME_WAIT);
        let mut sent = h.sent();
        while let Some(frame) = sent.pop() {
            for event in &frame.events {
                let lane = lanes
                    .entry(event.user)
                    .or_insert_with(|| frame.lane().to_owned());
                assert_eq!(lane, frame.lane());
            }
            h.done(&frame);
            sent.extend(h.sent());
        }
    }
    assert_eq!(lanes.len(), 16);
    assert!(
        ["a", "b"]
            .iter()
            .all(|name| lanes.values().any(|lane| lane == name))
    );
}

#[test]
fn a_user_changes_lanes_only_after_its_frame_has_ended() {
    let mut h = Harness::new(&["a"]);
    for user in 0..8 {
        h.read(user, 1);
    }
    let first = h.sent();
    assert_eq!(first.len(), 2);
    for user in 0..8 {
        h.read(user, 1);
    }
    h.found(&["a", "b"]);
    h.wait(FRAME_WAIT);
    h.nothing_sent();
    h.done(&first[0]);
    h.wait(FRAME_WAIT);
    let mut moved = h.sent();
    assert_eq!(users_of(&moved), users_of(&first[..1]));
    h.done(&first[1]);
    h.wait(FRAME_WAIT);
    moved.extend(h.sent());
    assert!(moved.iter().any(|sent| sent.lane() == "b"), "{moved:?}");
    assert!(moved.iter().any(|sent| sent.lane() == "a"), "{moved:?}");
}

#[test]
fn a_lane_without_a_subscriber_is_gone_and_its_frame_goes_elsewhere_at_once() {
    for receivers in [Some(0), None] {
        let mut h = Harness::new(&["a"]);
        h.read(1, FULL);
        let lost = h.one();
        h.published(&lost, receivers);
        assert_eq!(h.fit_lanes(), 0);
        h.nothing_sent();
        h.found(&["b"]);
        let again = h.one();
        assert_eq!(
            (again.lane(), again.attempt()),
            ("b", 1),
            "no attempt is counted"
        );
        assert_eq!(again.events, lost.events);
        h.published(&again, Some(1));
        h.done(&again);
        assert_eq!(h.mark(0), 4);
        assert!(h.letters.is_empty());
    }
}

#[test]
fn an_absent_agent_never_costs_an_attempt() {
    let mut h = Harness::new(&["a"]);
    h.read(1, FULL);
    for _ in 0..50 {
        let sent = h.one();
        assert_eq!(sent.attempt(), 1);
        h.published(&sent, Some(0));
        h.found(&["a"]);
    }
    assert!(h.letters.is_empty());
}

#[test]
fn frames_that_are_taken_back_do_not_count_against_their_events() {
    let mut h = Harness::new(&["a"]);
    h.read(1, 1);
    h.wait(FRAME_WAIT);
    for _ in 0..10 {
        let sent = h.one();
        h.published(&sent, Some(0));
        h.read(2, 1);
        h.found(&["a"]);
    }
    let shared = h.one();
    assert_eq!(
        users_of(&[shared]),
        [1, 2].into(),
        "the event is not isolated"
    );
}

#[test]
fn more_than_one_receiver_counts_as_one_attempt() {
    let mut h = Harness::new(&["a"]);
    h.read(1, FULL);
    let sent = h.one();
    h.published(&sent, Some(2));
    h.found(&[]);
    h.found(&["a"]);
    assert_eq!(h.one().attempt(), 2);
}

#[test]
fn a_lane_with_several_subscribers_gets_no_new_work_until_one_is_left() {
    let mut h = Harness::new(&["a"]);
    h.read(1, FULL);
    let sent = h.one();
    h.published(&sent, Some(2));
    assert_eq!((h.fit_lanes(), h.queue.lanes(Fitness::Shared)), (0, 1));
    h.read(2, FULL);
    h.nothing_sent();
    h.done(&sent);
    h.nothing_sent();
    assert_eq!(h.mark(0), 4, "what is in flight still settles");
    h.wait(SECOND);
    let beat = h.heartbeats().remove(0);
    h.published(&beat, Some(1));
    assert_eq!((h.fit_lanes(), h.queue.lanes(Fitness::Shared)), (1, 0));
    assert_eq!(seqs_of(&h.one(), 2), [0, 1, 2, 3]);
}

#[test]
fn users_of_a_shared_lane_move_to_another() {
    let mut h = Harness::new(&["a", "b"]);
    h.wait(SECOND);
    for beat in h.heartbeats() {
        h.published(&beat, Some(if beat.lane() == "a" { 2 } else { 1 }));
        h.answer(&beat, []);
    }
    for user in 0..16 {
        h.read(user, 1);
    }
    for _ in 0..16 {
        for sent in h.sent() {
            assert_eq!(sent.lane(), "b");
            h.done(&sent);
        }
        h.wait(FRAME_WAIT);
    }
    assert_eq!(h.mark(0), 16);
}

#[test]
fn frames_of_a_lane_that_is_gone_move_to_another() {
    let mut h = Harness::new(&["a"]);
    h.read(1, FULL);
    h.read(1, 1);
    let lost = h.one();
    h.published(&lost, Some(1));
    h.found(&["b"]);
    let again = h.one();
    assert_eq!((again.lane(), again.attempt()), ("b", 2));
    assert_eq!(seqs_of(&again, 1), [0, 1, 2, 3]);
    // The lane that is gone has handled the frame after all.
    h.done(&lost);
    assert_eq!(h.mark(0), 4);
    h.read(1, 1);
    h.wait(FRAME_WAIT);
    h.nothing_sent();
    h.done(&again);
    assert_eq!(seqs_of(&h.next(), 1), [4, 5]);
}

#[test]
fn a_lost_subscription_takes_every_frame_back() {
    let mut h = Harness::new(&["a"]);
    h.read(1, FULL);
    let lost = h.one();
    h.published(&lost, Some(1));
    h.queue.subscription_lost(h.now);
    assert_eq!(h.queue.frames_in_flight(), 0);
    h.wait(SECOND);
    h.nothing_sent();
    h.queue.subscribed();
    let again = h.one();
    assert_eq!((again.attempt(), &again.events), (2, &lost.events));
    h.done(&again);
    assert_eq!(h.mark(0), 4);
}
