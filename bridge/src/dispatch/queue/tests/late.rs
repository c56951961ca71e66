//! Answers that come after their frame has ended: they settle its events wherever those are now, once and in order.

use domain::frame::Outcome;

use super::harness::{BACKOFF, FULL, Harness, MS, SECOND, Sent, partition, seqs_of};
use crate::dispatch::queue::late::LATE_LIMIT;

/// A frame of one user that its lane has not answered for so long that it is deaf. The other lane takes the user over.
fn deaf(lanes: &[&str]) -> (Harness, Sent) {
    let mut h = Harness::new(lanes);
    h.read(1, FULL);
    let sent = h.one();
    h.published(&sent, Some(1));
    for _ in 0..13 {
        h.wait(SECOND);
        for beat in h.heartbeats() {
            if beat.lane() != sent.lane() {
                h.answer(&beat, []);
            }
        }
    }
    assert_eq!(h.fit_lanes(), lanes.len() - 1);
    (h, sent)
}

#[test]
fn a_late_answer_settles_events_that_wait() {
    let (mut h, sent) = deaf(&["a"]);
    h.read(1, 1);
    h.nothing_sent();
    h.done(&sent);
    assert_eq!((h.mark(0), h.queue.unsettled()), (4, 1));
    let next = h.next();
    assert_eq!(
        seqs_of(&next, 1),
        [4],
        "the lane answers again, and gets only what is left"
    );
}

#[test]
fn a_late_answer_settles_events_in_flight_elsewhere_once() {
    let (mut h, sent) = deaf(&["a", "b"]);
    let again = h.one();
    assert_ne!(again.lane(), sent.lane());
    assert_eq!(again.events, sent.events);
    h.read(1, 1);
    h.done(&sent);
    assert_eq!(h.mark(0), 4);
    h.wait(BACKOFF);
    h.nothing_sent();
    assert_eq!(
        h.queue.frames_in_flight(),
        1,
        "the user waits for the frame that is out"
    );
    // Whatever the other agent makes of the copies does not matter.
    h.answer(
        &again,
        [
            Outcome::Retry,
            Outcome::Reject,
            Outcome::Later,
            Outcome::Done,
        ],
    );
    assert!(h.letters.is_empty());
    let next = h.next();
    assert_eq!(seqs_of(&next, 1), [4]);
    h.done(&next);
    assert_eq!((h.mark(0), h.queue.unsettled()), (5, 0));
}

#[test]
fn only_what_a_late_answer_reports_as_done_is_settled() {
    let (mut h, sent) = deaf(&["a"]);
    h.answer(
        &sent,
        [
            Outcome::Done,
            Outcome::Retry,
            Outcome::Retry,
            Outcome::Retry,
        ],
    );
    assert_eq!((h.mark(0), h.queue.unsettled()), (1, 3));
    let again = h.one();
    assert_eq!(seqs_of(&again, 1), [1, 2, 3]);
    h.done(&again);
    assert_eq!((h.mark(0), h.queue.unsettled()), (4, 0));
    assert!(h.letters.is_empty());
}

#[test]
fn a_copy_that_is_taken_back_does_not_return_to_its_user() {
    let (mut h, sent) = deaf(&["a", "b"]);
    let again = h.one();
    h.done(&sent);
    let other = again.lane().to_owned();
    let left: Vec<&str> = ["a", "b"]
        .into_iter()
        .filter(|lane| *lane != other)
        .collect();
    h.found(&left);
    h.wait(BACKOFF);
    h.nothing_sent();
    assert_eq!((h.mark(0), h.queue.unsettled()), (4, 0));
}

#[test]
fn an_event_whose_frame_was_skipped_is_settled_by_a_late_answer() {
    let mut h = Harness::new(&["a"]);
    h.read(1, FULL);
    let sent = h.one();
    h.wait(SECOND);
    h.answer_heartbeats();
    assert_eq!(h.queue.frames_in_flight(), 0);
    h.done(&sent);
    assert_eq!((h.mark(0), h.queue.unsettled()), (4, 0));
    h.wait(BACKOFF);
    h.nothing_sent();
}

#[test]
fn an_answer_after_a_minute_is_ignored() {
    let (mut h, sent) = deaf(&["a"]);
    h.wait(LATE_LIMIT);
    h.done(&sent);
    assert_eq!((h.mark(0), h.queue.unsettled()), (0, 4));
}

#[test]
fn a_late_answer_of_another_assignment_or_epoch_settles_nothing() {
    let (mut h, sent) = deaf(&["a"]);
    let mut other = sent.ack(vec![Outcome::Done; FULL]);
    other.epoch += 1;
    h.queue.answer(other, h.now);
    h.run();
    assert_eq!((h.mark(0), h.queue.unsettled()), (0, 4));
    h.lose(0);
    h.queue.assign(&[partition(0)]);
    h.read_again(0, &[(1, 0), (1, 1), (1, 2), (1, 3)]);
    h.done(&sent);
    assert_eq!((h.mark(0), h.queue.unsettled()), (0, 4));
}

#[test]
fn patience_learns_from_late_answers() {
    let (mut h, sent) = deaf(&["a"]);
    h.done(&sent);
    // The patience follows the answers each time lanes are looked for. It is as long as it gets now.
    h.found(&["a"]);
    h.read(2, FULL);
    let slow = h.one();
    h.wait(SECOND);
    h.answer_heartbeats();
    h.wait(9 * SECOND - MS);
    assert_eq!(h.queue.frames_in_flight(), 1);
    h.wait(MS);
    assert_eq!(h.queue.frames_in_flight(), 0);
    h.done(&slow);
    assert_eq!((h.mark(0), h.queue.unsettled()), (8, 0));
}
