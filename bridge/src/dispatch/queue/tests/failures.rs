//! Events that an agent cannot apply: retries, rejections, dead letters and wrong answers.

use domain::frame::Outcome;

use super::harness::{BACKOFF, FULL, Harness, MS, SECOND, Sent, seqs_of, users_of};

#[test]
fn an_event_is_retried_alone_five_times_and_then_dead_lettered() {
    let mut h = Harness::new(&["a"]);
    h.read(1, 1);
    let mut sent = h.next();
    for attempt in 1..=5 {
        assert_eq!((sent.attempt(), seqs_of(&sent, 1)), (attempt, vec![0]));
        h.published(&sent, Some(1));
        h.answer_all(&sent, Outcome::Retry);
        assert!(h.letters.is_empty());
        h.wait(BACKOFF - MS);
        h.nothing_sent();
        h.wait(MS);
        sent = h.one();
    }
    h.published(&sent, Some(1));
    h.answer_all(&sent, Outcome::Retry);
    let letter = &h.letters[0];
    assert_eq!(
        (letter.attempts, letter.reason.as_str()),
        (6, "failed again after 5 retries: because")
    );
    assert_eq!(letter.record.offset, 0);
    h.wait(SECOND);
    h.nothing_sent();
}

#[test]
fn an_answer_that_overtakes_the_report_of_its_publish_counts_as_an_attempt() {
    let mut h = Harness::new(&["a"]);
    h.read(1, 1);
    let sent = h.next();
    h.answer_all(&sent, Outcome::Retry);
    h.published(&sent, Some(1));
    h.wait(BACKOFF);
    let sent = h.one();
    assert_eq!(sent.attempt(), 2);
    h.published(&sent, Some(1));
    h.answer_all(&sent, Outcome::Reject);
    assert_eq!(h.letters[0].attempts, 2, "each frame counts once");
}

#[test]
fn a_dead_letter_remembers_when_its_event_failed_first() {
    let mut h = Harness::new(&["a"]);
    h.read(1, 1);
    let sent = h.next();
    let first_failed = h.now;
    h.answer_all(&sent, Outcome::Retry);
    h.wait(BACKOFF);
    let sent = h.one();
    h.answer_all(&sent, Outcome::Reject);
    assert_eq!(h.letters[0].first_failed, first_failed);
}

#[test]
fn events_of_a_frame_that_failed_together_are_retried_one_by_one_at_once() {
    let mut h = Harness::new(&["a"]);
    for user in 0..4 {
        h.read(user, 1);
    }
    let sent = h.one();
    h.answer_all(&sent, Outcome::Retry);
    let mut served = Vec::new();
    let mut sent = h.sent();
    assert_eq!(sent.len(), 2, "the lane's credit");
    while let Some(frame) = sent.pop() {
        assert_eq!(frame.events.len(), 1);
        served.push(frame.events[0].user);
        h.done(&frame);
        sent.extend(h.sent());
    }
    served.sort_unstable();
    assert_eq!(served, [0, 1, 2, 3]);
    assert_eq!(h.mark(0), 4);
}

#[test]
fn a_user_with_an_event_in_retry_waits_and_others_do_not() {
    let mut h = Harness::new(&["a"]);
    h.read(1, 1);
    let sent = h.next();
    h.answer_all(&sent, Outcome::Retry);
    h.read(1, 2);
    h.read(2, 3);
    let other = h.next();
    assert_eq!(users_of(std::slice::from_ref(&other)), [2].into());
    h.done(&other);
    h.wait(BACKOFF);
    let again = h.one();
    assert_eq!(seqs_of(&again, 1), [0]);
    h.wait(SECOND / 4);
    h.nothing_sent();
    h.done(&again);
    assert_eq!(seqs_of(&h.next(), 1), [1, 2]);
}

#[test]
fn retried_events_keep_the_order_of_their_user() {
    let mut h = Harness::new(&["a"]);
    h.read(1, FULL);
    let sent = h.one();
    // An agent applies no event of a user after one that it wants to retry.
    h.answer(
        &sent,
        [
            Outcome::Done,
            Outcome::Retry,
            Outcome::Retry,
            Outcome::Retry,
        ],
    );
    assert_eq!(h.mark(0), 1);
    let mut order = Vec::new();
    for _ in 0..3 {
        let again = h.one();
        order.extend(seqs_of(&again, 1));
        h.nothing_sent();
        h.done(&again);
    }
    assert_eq!(order, [1, 2, 3]);
    assert_eq!(h.mark(0), 4);
}

#[test]
fn a_rejected_event_is_dead_lettered_at_once_and_alone() {
    let mut h = Harness::new(&["a"]);
    h.read(1, FULL);
    let sent = h.one();
    h.published(&sent, Some(1));
    h.answer(
        &sent,
        [Outcome::Done, Outcome::Reject, Outcome::Done, Outcome::Done],
    );
    assert_eq!(h.letters.len(), 1);
    let letter = &h.letters[0];
    assert_eq!((letter.record.offset, letter.attempts), (1, 1));
    assert_eq!(letter.reason, "rejected: because");
    h.nothing_sent();
}

#[test]
fn the_mark_moves_only_once_the_log_has_the_dead_letter() {
    let mut h = Harness::new(&["a"]);
    h.read(1, FULL);
    let sent = h.one();
    h.answer(
        &sent,
        [Outcome::Done, Outcome::Reject, Outcome::Done, Outcome::Done],
    );
    assert_eq!((h.mark(0), h.queue.unsettled()), (1, 1));
    // The user's next events do not wait for the log.
    h.read(1, 1);
    let next = h.next();
    h.done(&next);
    assert_eq!(h.mark(0), 1);
    h.write_letters();
    assert_eq!((h.mark(0), h.queue.unsettled()), (5, 0));
}

#[test]
fn an_answer_with_too_few_results_counts_as_none() {
    let mut h = Harness::new(&["a"]);
    h.read(1, FULL);
    let sent = h.one();
    h.answer(&sent, [Outcome::Done]);
    assert_eq!((h.mark(0), h.queue.unsettled()), (0, 4));
    h.wait(BACKOFF);
    assert_eq!(h.one().events, sent.events);
}

#[test]
fn an_answer_of_another_epoch_is_ignored() {
    let mut h = Harness::new(&["a"]);
    h.read(1, FULL);
    let sent = h.one();
    let mut old = sent.ack(vec![Outcome::Done; FULL]);
    old.epoch -= 1;
    h.queue.answer(old, h.now);
    h.run();
    assert_eq!((h.mark(0), h.queue.unsettled()), (0, 4));
    h.done(&sent);
    assert_eq!((h.mark(0), h.queue.unsettled()), (4, 0));
}

#[test]
fn a_second_answer_to_the_same_frame_is_ignored() {
    let mut h = Harness::new(&["a"]);
    h.read(1, FULL);
    h.read(1, 1);
    let sent = h.one();
    h.done(&sent);
    let next: Sent = h.next();
    h.answer_all(&sent, Outcome::Reject);
    assert!(h.letters.is_empty());
    h.done(&next);
    assert_eq!((h.mark(0), h.queue.unsettled()), (5, 0));
}
