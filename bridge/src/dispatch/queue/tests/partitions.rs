//! Partitions that come and go: marks, epochs and hand-overs.

use std::time::Duration;

use domain::frame::Outcome;

use super::harness::{BACKOFF, FULL, Harness, MS, SECOND, partition, seqs_of};
use crate::log::{FOR_GROUP, Headers};

const LIMIT: Duration = Duration::from_secs(2);

#[test]
fn the_mark_waits_for_the_first_unsettled_record() {
    let mut h = Harness::new(&["a"]);
    h.read(1, FULL);
    h.read(2, FULL);
    let sent = h.sent();
    h.done(&sent[1]);
    assert_eq!(h.mark(0), 0);
    h.done(&sent[0]);
    assert_eq!(h.mark(0), 8);
}

#[test]
fn each_partition_has_its_own_mark() {
    let mut h = Harness::new(&["a"]);
    h.queue.assign(vec![partition(1)]);
    h.read_from(0, 1, FULL);
    h.read_from(1, 2, FULL);
    let sent = h.sent();
    h.done(&sent[1]);
    assert_eq!((h.mark(0), h.mark(1)), (0, 4));
}

#[test]
fn records_for_another_group_are_skipped() {
    let mut h = Harness::new(&["a"]);
    let for_group = |name: &str| Headers::from([(FOR_GROUP.to_owned(), name.to_owned())]);
    h.read_record(0, 1, 0, for_group("other"));
    assert_eq!((h.mark(0), h.queue.unsettled()), (1, 0));
    h.read_record(0, 1, 0, for_group("audit"));
    h.read_record(0, 1, 0, for_group("other"));
    let sent = h.next();
    assert_eq!(seqs_of(&sent, 1), [1]);
    h.done(&sent);
    assert_eq!(h.mark(0), 3);
}

#[test]
fn records_of_partitions_that_are_not_assigned_are_ignored() {
    let mut h = Harness::new(&["a"]);
    h.read_from(7, 1, FULL);
    h.nothing_sent();
    assert_eq!((h.queue.unsettled(), h.mark(7)), (0, 0));
}

#[test]
fn a_hand_over_drops_what_waits_and_settles_what_is_in_flight() {
    let mut h = Harness::new(&["a"]);
    h.read(1, 6);
    let sent = h.one();
    let mut settled = h.hand_over(0, LIMIT);
    assert_eq!(h.queue.unsettled(), 4);
    assert!(settled.try_recv().is_err());
    h.done(&sent);
    assert_eq!(
        h.mark(0),
        4,
        "the mark is passed on before the hand-over ends"
    );
    settled.try_recv().unwrap();
    h.wait(SECOND);
    h.nothing_sent();
    assert_eq!((h.queue.unsettled(), h.queue.partitions()), (0, 0));
}

#[test]
fn a_hand_over_waits_no_longer_than_its_limit() {
    let mut h = Harness::new(&["a"]);
    h.read(1, FULL);
    let sent = h.one();
    let mut settled = h.hand_over(0, LIMIT);
    h.wait(LIMIT - MS);
    assert!(settled.try_recv().is_err());
    h.wait(MS);
    settled.try_recv().unwrap();
    h.done(&sent);
    assert_eq!(h.mark(0), 0, "the next reader has it");
}

#[test]
fn a_hand_over_waits_for_dead_letters() {
    let mut h = Harness::new(&["a"]);
    h.read(1, FULL);
    let sent = h.one();
    h.answer_all(&sent, Outcome::Reject);
    let mut settled = h.hand_over(0, LIMIT);
    assert!(settled.try_recv().is_err());
    h.write_letters();
    assert_eq!(h.mark(0), 4);
    settled.try_recv().unwrap();
}

#[test]
fn a_hand_over_without_work_in_flight_ends_at_once() {
    let mut h = Harness::new(&[]);
    h.read(1, FULL);
    let mut settled = h.hand_over(0, LIMIT);
    settled.try_recv().unwrap();
    assert_eq!((h.queue.unsettled(), h.mark(0)), (0, 0));
}

#[test]
fn failures_during_a_hand_over_are_left_to_the_next_reader() {
    for outcome in [Outcome::Retry, Outcome::Reject] {
        let mut h = Harness::new(&["a"]);
        h.read(1, FULL);
        let sent = h.one();
        let mut settled = h.hand_over(0, LIMIT);
        h.answer(
            &sent,
            [Outcome::Done, outcome, Outcome::Done, Outcome::Done],
        );
        settled.try_recv().unwrap();
        assert_eq!((h.mark(0), h.queue.unsettled()), (1, 0));
        assert!(h.letters.is_empty());
        h.wait(SECOND);
        h.nothing_sent();
    }
}

#[test]
fn records_that_arrive_during_a_hand_over_are_left_to_the_next_reader() {
    let mut h = Harness::new(&["a"]);
    h.read(1, FULL);
    let sent = h.one();
    let _settled = h.hand_over(0, LIMIT);
    h.read(2, FULL);
    h.nothing_sent();
    h.done(&sent);
    assert_eq!((h.mark(0), h.queue.unsettled()), (4, 0));
}

#[test]
fn other_partitions_of_the_same_user_go_on() {
    let mut h = Harness::new(&["a"]);
    h.queue.assign(vec![partition(1)]);
    h.read_from(0, 1, 1);
    h.read_from(1, 1, 1);
    let _settled = h.hand_over(0, LIMIT);
    assert_eq!(seqs_of(&h.next(), 1), [1]);
}

#[test]
fn an_answer_from_before_a_loss_does_not_settle_the_new_assignment() {
    let mut h = Harness::new(&["a"]);
    h.read(1, FULL);
    let old = h.one();
    h.lose(0);
    h.queue.assign(vec![partition(0)]);
    h.read_again(0, &[(1, 0), (1, 1), (1, 2), (1, 3)]);
    h.nothing_sent();
    h.done(&old);
    assert_eq!(h.mark(0), 0);
    let new = h.one();
    assert!(new.frame.epoch > old.frame.epoch);
    h.done(&new);
    assert_eq!((h.mark(0), h.queue.unsettled()), (4, 0));
}

#[test]
fn a_retry_from_before_a_loss_is_not_delivered_twice() {
    let mut h = Harness::new(&["a"]);
    h.read(1, 1);
    let old = h.next();
    h.lose(0);
    h.queue.assign(vec![partition(0)]);
    h.read_again(0, &[(1, 0)]);
    h.answer_all(&old, Outcome::Retry);
    let new = h.next();
    h.done(&new);
    h.wait(BACKOFF);
    h.nothing_sent();
    assert_eq!((h.mark(0), h.queue.unsettled()), (1, 0));
}

#[test]
fn a_dead_letter_from_before_a_loss_does_not_settle_the_new_assignment() {
    let mut h = Harness::new(&["a"]);
    h.read(1, 1);
    let old = h.next();
    h.answer_all(&old, Outcome::Reject);
    h.lose(0);
    h.queue.assign(vec![partition(0)]);
    h.read_again(0, &[(1, 0)]);
    let new = h.next();
    h.write_letters();
    assert_eq!((h.mark(0), h.queue.unsettled()), (0, 1));
    h.done(&new);
    assert_eq!((h.mark(0), h.queue.unsettled()), (1, 0));
}
